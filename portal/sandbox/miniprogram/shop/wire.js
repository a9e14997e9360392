/** One request to our server, and what its answer may be. */

import { SERVER } from './environment.js';
import { PlatformError } from './platform.js';

const API = `${SERVER}/api/v1`;
const HTTP_ERROR = '19';
const TIMEOUT = 30000;

/** The server said no, with a reason; nothing is uncertain. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail || 'The shop could not do this. Please try again later.');
    this.status = status;
    this.code = problem?.code ?? '';
  }
}

/** No answer that says anything: what was asked may have been done or not. */
export class Unreachable extends Error {
  constructor() {
    super('We could not reach the shop. Check your connection and try again.');
  }
}

/** Send one request. Resolves to `{status, data}`; throws Unreachable. HTTP errors come by success or by fail. */
export function send(method, path, { body, token, key } = {}) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers['idempotency-key'] = key;
  return new Promise((resolve, reject) => {
    const answered = (reply) => {
      const status = Number(reply.status ?? reply.statusCode ?? 0);
      const data = read(reply.data);
      if (!status || status >= 500 || data === null) reject(new Unreachable());
      else resolve({ status, data });
    };
    my.request({
      url: API + path,
      method,
      headers,
      data: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
      timeout: TIMEOUT,
      dataType: 'json',
      success: answered,
      fail: (said) => {
        if (new PlatformError(said).code === HTTP_ERROR) answered(said);
        else reject(new Unreachable());
      },
    });
  });
}

function read(data) {
  if (typeof data !== 'string') return data ?? null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
