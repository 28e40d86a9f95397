// The API key: kept for this tab only, asked for when the backend wants one.

const storageKey = 'betrace.api-key';

export interface KeyPrompt {
  /** Whether a key was sent and refused. */
  refused: boolean;
  answer: (key: string | null) => void;
}

type Listener = (prompt: KeyPrompt | null) => void;

let pending: { prompt: KeyPrompt; answered: Promise<string | null> } | null = null;
const listeners = new Set<Listener>();

export function apiKey(): string | null {
  return sessionStorage.getItem(storageKey);
}

export function setApiKey(key: string | null): void {
  if (key === null || key === '') sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, key);
}

/** Tells the dialog when there is something to ask, and null when it has been answered. */
export function onKeyPrompt(listener: Listener): () => void {
  listeners.add(listener);
  listener(pending?.prompt ?? null);
  return () => {
    listeners.delete(listener);
  };
}

/** Asks the person for a key; null when they would rather not. Several requests at once share one question. */
export function askForKey(refused: boolean): Promise<string | null> {
  if (listeners.size === 0) return Promise.resolve(null);
  if (pending) return pending.answered;
  let settle: (key: string | null) => void = () => {};
  const answered = new Promise<string | null>((resolve) => {
    settle = resolve;
  });
  const prompt: KeyPrompt = {
    refused,
    answer: (key) => {
      pending = null;
      if (key !== null) setApiKey(key);
      tell(null);
      settle(key);
    },
  };
  pending = { prompt, answered };
  tell(prompt);
  return answered;
}

function tell(prompt: KeyPrompt | null): void {
  for (const listener of listeners) listener(prompt);
}
