/** Error types by status, as the API pairs them. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const MESSAGES: Readonly<Record<number, string>> = {
  401: 'invalid x-api-key',
  403: 'Your API key does not have permission to use the specified resource.',
  429: 'This request would exceed your rate limit.',
  529: 'Overloaded',
};

/** The error type that goes with a status. */
function errorType(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** The JSON body of an error. */
export function errorBody(status: number, requestId: string, message?: string, type?: string): string {
  return JSON.stringify({
    type: 'error',
    error: { type: type ?? errorType(status), message: message ?? MESSAGES[status] ?? `HTTP ${status}` },
    request_id: requestId,
  });
}

/** The status that goes with an error type, for replies that cannot carry the error any other way. */
export function errorStatus(type: string): number {
  return Number(Object.entries(TYPES).find(([, own]) => own === type)?.[0] ?? 500);
}
