/** One question to the portal, and what its answer may be. The calls themselves are in client.js. */

import { SERVER } from '../environment.js';
import { pause, request } from '../adapter/platform.js';

const API = `${SERVER}/api/v1`;
const WAITS = [1000, 3000];
const REFUSED = 400;
const UNAUTHENTICATED = 401;
const UNCERTAIN = 500;
/** Of what answers 5xx: refused before anything was done. */
const REFUSED_FOR_CERTAIN = ['account_not_ready', 'login_unknown'];
/** Refused because it came too soon after others; it may be asked again in a moment. */
export const TOO_SOON = 'rate_limited';
/** Refused because the first request with this key is still being carried out. */
const IN_FLIGHT = 'idempotency_key_in_flight';

/** The portal said no, with a reason; nothing was done, and nothing is uncertain. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {import('./types').Problem} problem
   */
  constructor(status, problem) {
    super(problem.detail || '');
    this.isRefusal = true;
    this.status = status;
    /** Words for it are in words/errors.js. */
    this.code = problem.code || '';
  }
}

/** No answer that says anything: what was asked for may have been done or not. */
export class Unreachable extends Error {
  /** @param {string} words for whoever looks for a mistake */
  constructor(words) {
    super(words);
    this.isUncertain = true;
  }
}

// Undocumented how the IDE compiles classes. Some compilers lose the class of what derives from Error, so that
// instanceof is false; we choose to know errors by what they hold.

/**
 * @param {any} reason
 * @returns {reason is Refused}
 */
export function isRefused(reason) {
  return Boolean(reason && reason.isRefusal);
}

/**
 * @param {any} reason
 * @returns {reason is Unreachable}
 */
export function isUnreachable(reason) {
  return Boolean(reason && reason.isUncertain);
}

/**
 * Who the buyer is. `current` signs in where nobody is; `forget` is told of a token that was refused.
 *
 * @typedef {{ token: string }} Session
 * @typedef {{ current(): Promise<Session>, forget(session: Session): Promise<void> }} Keeper
 */

/** @type {Keeper | null} */
let keeper = null;

/** @param {Keeper} found */
export function askAs(found) {
  keeper = found;
}

/**
 * Ask. What may be asked twice is asked again after a lost answer: reads, and acts under their key.
 *
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {{ query?: Record<string, string | undefined>, body?: object, key?: string, isOpen?: boolean }} [given]
 * @returns {Promise<any>} rejects with Refused or Unreachable
 */
export async function ask(method, path, given = {}) {
  const isRepeatable = method === 'GET' || Boolean(given.key);
  for (let turn = 0; ; turn += 1) {
    try {
      return await askOnce(method, path, given);
    } catch (reason) {
      const mayBeAsked = isRefused(reason) ? reason.code === TOO_SOON : isUnreachable(reason) && isRepeatable;
      if (!mayBeAsked || turn === WAITS.length) throw reason;
      await pause(WAITS[turn] || 0);
    }
  }
}

/**
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {{ query?: Record<string, string | undefined>, body?: object, key?: string, isOpen?: boolean }} given
 */
async function askOnce(method, path, given) {
  if (given.isOpen || !keeper) return read(await send(method, path, given, ''));
  const session = await keeper.current();
  const answer = await send(method, path, given, session.token);
  // A refusal without a status may be this one, too: what may be asked twice is asked again as somebody new.
  const isNameless = !answer.status && (method === 'GET' || Boolean(given.key));
  if (answer.status !== UNAUTHENTICATED && !isNameless) return read(answer);
  await keeper.forget(session);
  return read(await send(method, path, given, (await keeper.current()).token));
}

/**
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {{ query?: Record<string, string | undefined>, body?: object, key?: string }} given
 * @param {string} token
 */
async function send(method, path, given, token) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  if (given.key) headers['idempotency-key'] = given.key;
  const sent = method === 'POST' ? { headers, data: JSON.stringify(given.body || {}) } : { headers };
  try {
    return await request(method, API + path + written(given.query || {}), sent);
  } catch (reason) {
    throw new Unreachable(String(reason));
  }
}

/** @param {{ status: number, data: unknown }} answer */
function read({ status, data }) {
  const said = parsed(data);
  if (!status || !said) throw new Unreachable('An answer that cannot be read.');
  if (status < REFUSED) return said;
  const isKnown = typeof said.code === 'string';
  if (!isKnown || said.code === IN_FLIGHT) throw new Unreachable(String(said.code));
  if (status >= UNCERTAIN && !REFUSED_FOR_CERTAIN.includes(said.code)) throw new Unreachable(said.code);
  throw new Refused(status, said);
}

/**
 * @param {unknown} data
 * @returns {any}
 */
function parsed(data) {
  if (typeof data !== 'string') return data && typeof data === 'object' ? data : null;
  try {
    return JSON.parse(data);
  } catch (reason) {
    return null;
  }
}

/** @param {Record<string, string | undefined>} query */
function written(query) {
  const pairs = Object.keys(query)
    .filter((name) => query[name] !== undefined)
    .map((name) => `${name}=${encodeURIComponent(String(query[name]))}`);
  return pairs.length ? `?${pairs.join('&')}` : '';
}
