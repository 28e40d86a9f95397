import { notifications } from '@mantine/notifications';

const closeButtonProps = { 'aria-label': 'Close this message' };

/** Says in passing that something has been done. */
export function notifyDone(message: string): void {
  notifications.show({ message, closeButtonProps });
}

/** Says that something could not be done. */
export function notifyFailed(title: string, error: Error): void {
  notifications.show({ title, message: error.message, color: 'red', closeButtonProps });
}
