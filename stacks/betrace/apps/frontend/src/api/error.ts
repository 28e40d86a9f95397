// What goes wrong between this page and the backend, in words that a person can act on.

export interface ErrorDetail {
  field: string;
  description: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  hint: string;
}

/** An answer that is an error, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly details: ErrorDetail[];

  constructor(status: number, message: string, details: ErrorDetail[] = []) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.details = details;
  }

  /** What is said about one field of the request. */
  forField(field: string): string | undefined {
    const said = this.details.filter((detail) => detail.field === field).map(describeDetail);
    return said.length > 0 ? said.join(' ') : undefined;
  }

  /** Whether the same request may work in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export const unreachable = 'The backend can’t be reached. Is it running, and is this device online?';

/** Reads the body of an answer that is no success. Bodies that the backend didn't write are not shown. */
export function parseError(status: number, body: string): ApiError {
  const parsed = parseJson(body);
  if (isRecord(parsed) && typeof parsed.message === 'string' && parsed.message !== '') {
    const details = Array.isArray(parsed.details) ? parsed.details.filter(isRecord).map(toDetail) : [];
    return new ApiError(status, parsed.message, details);
  }
  return new ApiError(status, fallbackMessage(status));
}

/** Where a detail points and what it says, as one sentence. */
export function describeDetail(detail: ErrorDetail): string {
  const place = detail.line > 0 ? `Line ${detail.line}, column ${detail.column}: ` : '';
  const hint = detail.hint === '' ? '' : ` Hint: ${detail.hint}`;
  return `${place}${detail.description}${hint}`;
}

function fallbackMessage(status: number): string {
  if (status === 401) return 'An API key is needed for this.';
  if (status === 413) return 'This is more than the backend takes at once.';
  if (status >= 502 && status <= 504) return 'The backend does not answer. It may be starting or stopped.';
  return `The backend answered with an error it did not explain (HTTP ${status}).`;
}

function toDetail(raw: Record<string, unknown>): ErrorDetail {
  const text = (key: string) => (typeof raw[key] === 'string' ? (raw[key] as string) : '');
  const number = (key: string) => (typeof raw[key] === 'number' ? (raw[key] as number) : 0);
  return {
    field: text('field'),
    description: text('description'),
    line: number('line'),
    column: number('column'),
    endLine: number('endLine'),
    endColumn: number('endColumn'),
    hint: text('hint'),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
