interface Detail {
  field: string;
  description: string;
}

/** What a call came to when it did not come to an answer, in words for the person who reads it. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** The body of the response. */
    readonly data: Record<string, unknown> = {},
    readonly details: Detail[] = []
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Only the backend's own errors have a gRPC code; what has none comes from Grafana or something between. */
  get ofBackend() {
    return typeof this.data.code === 'number';
  }

  get notFound() {
    return this.ofBackend && this.status === 404;
  }

  /** What the backend says of one field of a form. */
  of(field: string): string | undefined {
    return this.details.find((detail) => detail.field === field)?.description;
  }
}

/** Reads a failed response of Grafana's `fetch`, whether Grafana's proxy or the backend behind it made it. */
export function toApiError(failure: unknown): ApiError {
  if (failure instanceof ApiError) {
    return failure;
  }
  const response = asObject(failure);
  const status = typeof response.status === 'number' ? response.status : 0;
  const data = asObject(response.data);
  const said = [data.message, response.statusText, response.message].find((text) => typeof text === 'string' && text);
  const ofBackend = typeof data.code === 'number';
  const message = (ofBackend ? fromBackend(status) : fromProxy(status)) ?? String(said ?? 'The request failed.');
  return new ApiError(message, status, data, Array.isArray(data.details) ? data.details.map(toDetail) : []);
}

function fromBackend(status: number): string | undefined {
  return status === 401
    ? 'The backend refuses the API key. An administrator can set it on the configuration page.'
    : undefined;
}

function fromProxy(status: number): string | undefined {
  switch (status) {
    case 403:
      return 'Your role does not allow this: rules are changed by Editors and Admins.';
    case 404:
      return 'Grafana does not forward this to the backend. After an update of the app, Grafana has to be restarted.';
    case 0:
    case 502:
    case 503:
    case 504:
      return 'The backend cannot be reached. An administrator can check its address on the configuration page.';
    default:
      return undefined;
  }
}

function toDetail(value: unknown): Detail {
  const { field, description } = asObject(value);
  return { field: String(field ?? ''), description: String(description ?? '') };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
