import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { ErrorNotice } from '../parts/ErrorNotice';

interface State {
  error: Error | null;
}

/** Shows what broke instead of an empty page: after an update, an old page asks for files that are gone. */
export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <>
        <ErrorNotice title="This page could not be shown" error={this.state.error} />
        <Button mt="md" onClick={() => window.location.reload()}>
          Load it again
        </Button>
      </>
    );
  }
}
