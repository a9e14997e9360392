/**
 * Binding the wallet this runs in, once for all pages that offer it.
 *
 * One attempt is one sign_str is one call of my.signContract; after any failure the server is asked for a new one. A
 * signature is no binding: bound is what the server calls bound, after it exchanged the code. What nobody knows is
 * asked about before anything is offered again.
 */

import {
  canSign,
  forget,
  isPlatformError,
  note,
  osType,
  pause,
  PlatformError,
  remember,
  remembered,
  signContract,
} from '../adapter/platform.js';
import { isRefused, isUnreachable, TOO_SOON } from '../api/asking.js';
import { beginAuthorization, bringCode, getAuthorization, reportFailure } from '../api/client.js';
import { problemText, reasonText, say, signingText, trouble, words } from './words.js';
import { signIn } from './session.js';

const CANCELLED_BY_BUYER = '6001';
/** The wallet says for certain that nothing was signed. Everything else may be a success: 7001, and what nobody knows. */
const NOT_SIGNED = [CANCELLED_BY_BUYER, '6002', '7002'];
const OPEN = ['STARTED', 'OFFERED', 'CODE_RECEIVED'];
const ASK_EVERY_MILLISECONDS = 2000;
const ASK_TIMES = 10;
const CALLBACK_GRACE_MILLISECONDS = 3000;
const MEMORY = 'attempt';

/**
 * @typedef {import('../api/types').Authorization} Authorization
 * @typedef {Parameters<typeof beginAuthorization>[0]} Wish
 * @typedef {'opening' | 'linking' | 'checking'} Step
 * @typedef {{ kind: 'bound' | 'cancelled' | 'failed' | 'unsure', text: string, walletId: string, attempt: string }} Outcome
 */

let isBusy = false;
/** @type {(() => void) | null} */
let giveUpWaiting = null;

/**
 * Bind. `tell` hears each step. Resolves to what became of it; to null where a binding runs already.
 *
 * @param {string} returnTo
 * @param {(step: Step) => void} tell
 * @param {string} [currency] of what is to be paid with it first
 * @returns {Promise<Outcome | null>}
 */
export async function bind(returnTo, tell, currency) {
  if (isBusy) return null;
  isBusy = true;
  try {
    return await attempt(returnTo, tell, currency);
  } catch (reason) {
    return failed(trouble(reason));
  } finally {
    isBusy = false;
    giveUpWaiting = null;
  }
}

/**
 * @param {string} returnTo
 * @param {(step: Step) => void} tell
 * @param {string} [currency]
 */
async function attempt(returnTo, tell, currency) {
  if (!canSign()) return failed(words.binding.outdated);
  tell('opening');
  const { siteName } = await signIn();
  /** @type {Wish} */
  const wish = { site_name: siteName, os_type: osType(), return_to: returnTo };
  if (currency) wish.currency = /** @type {NonNullable<Wish['currency']>} */ (currency);
  const begun = await beginAuthorization(wish);
  if (begun.status !== 'OFFERED' || !begun.id || !begun.sign_str) return verdict(begun);
  remember(MEMORY, begun.id);
  try {
    const signed = await signature(begun.id, begun.sign_str);
    tell('linking');
    return await redeem(begun.id, signed, tell);
  } catch (reason) {
    if (!isPlatformError(reason)) throw reason;
    note('signContract failed', { attempt: begun.id, site: siteName, error: reason.code });
    return afterFailure(begun.id, reason.code, tell);
  }
}

/**
 * What the wallet gave back. Given up when the buyer is here again and the wallet says nothing; a code that comes
 * later all the same is still the server's.
 *
 * @param {string} id
 * @param {string} signStr
 * @returns {Promise<my.SignContractSuccess>}
 */
function signature(id, signStr) {
  let isGivenUp = false;
  return new Promise((resolve, reject) => {
    giveUpWaiting = () => {
      isGivenUp = true;
      reject(new PlatformError());
    };
    signContract(signStr).then((signed) => (isGivenUp ? bringLate(id, signed) : resolve(signed)), reject);
  });
}

/**
 * @param {string} id
 * @param {my.SignContractSuccess} signed
 */
function bringLate(id, { authCode, authState }) {
  return bringCode(id, { auth_code: authCode, auth_state: authState }).catch((reason) =>
    note('late code', { attempt: id, error: isRefused(reason) ? reason.code : '' }),
  );
}

/** The page is shown again. A callback that does not come soon may not come at all. */
export function cameBack() {
  const giveUp = giveUpWaiting;
  if (giveUp) pause(CALLBACK_GRACE_MILLISECONDS).then(giveUp);
}

/**
 * @param {string} id
 * @param {my.SignContractSuccess} signed
 * @param {(step: Step) => void} tell
 */
async function redeem(id, { authCode, authState }, tell) {
  try {
    // The server compares the state; a wrong one must reach it, because it may be a forgery.
    return await settled(await bringCode(id, { auth_code: authCode, auth_state: authState }), tell);
  } catch (reason) {
    if (isUnreachable(reason)) return check(id, tell);
    if (!isRefused(reason)) throw reason;
    if (reason.code === 'authorization_not_open') return check(id, tell);
    return over(failed(problemText(reason)));
  }
}

/**
 * @param {string} id
 * @param {string} code
 * @param {(step: Step) => void} tell
 */
async function afterFailure(id, code, tell) {
  /** @type {Authorization | null} */
  let now = null;
  try {
    now = await reportFailure(id, { error: /^[0-9A-Za-z]{1,16}$/.test(code) ? code : 'none' });
  } catch (reason) {
    if (!(isUnreachable(reason) || isRefused(reason))) throw reason;
  }
  // The wallet's own notification may have been faster than its answer to us.
  if (now && (now.status === 'BOUND' || now.status === 'CODE_RECEIVED')) return settled(now, tell);
  if (!NOT_SIGNED.includes(code)) return check(id, tell);
  const text = signingText(code);
  return over(code === CANCELLED_BY_BUYER ? outcome('cancelled', text) : failed(text));
}

/**
 * @param {Authorization} now
 * @param {(step: Step) => void} tell
 */
async function settled(now, tell) {
  return OPEN.includes(now.status) && now.id ? check(now.id, tell) : verdict(now);
}

/**
 * Ask for the attempt until it is decided, or for as long as a buyer may be kept waiting.
 *
 * @param {string} id
 * @param {(step: Step) => void} tell
 * @returns {Promise<Outcome>}
 */
export async function check(id, tell) {
  tell('checking');
  for (let asked = 0; asked < ASK_TIMES; asked += 1) {
    await pause(ASK_EVERY_MILLISECONDS);
    try {
      const now = await getAuthorization(id);
      if (!OPEN.includes(now.status)) return verdict(now);
    } catch (reason) {
      if (!(isRefused(reason) || isUnreachable(reason))) throw reason;
      if (isRefused(reason) && reason.code !== TOO_SOON) return over(failed(problemText(reason)));
    }
  }
  return Object.assign(outcome('unsure', words.binding.unconfirmed), { attempt: id });
}

/** What became of an attempt that was left open when the app was closed: a sentence, or nothing. */
export async function unfinished() {
  const id = remembered(MEMORY);
  if (!id || isBusy) return '';
  try {
    const now = await getAuthorization(id);
    if (OPEN.includes(now.status)) return '';
    forget(MEMORY);
    return now.status === 'BOUND' ? say(words.binding.linked, { wallet: now.name }) : '';
  } catch (reason) {
    if (isRefused(reason)) forget(MEMORY);
    return '';
  }
}

/** @param {Authorization} now */
function verdict(now) {
  if (now.status === 'BOUND' && now.wallet_account) {
    const bound = outcome('bound', say(words.binding.linked, { wallet: now.name }));
    return over(Object.assign(bound, { walletId: now.wallet_account.id }));
  }
  if (now.status === 'CANCELLED') return over(outcome('cancelled', signingText(CANCELLED_BY_BUYER)));
  return over(failed(now.reason ? reasonText('authorization', now.reason) : signingText('7002')));
}

/**
 * @param {Outcome['kind']} kind
 * @param {string} text
 * @returns {Outcome}
 */
function outcome(kind, text) {
  return { kind, text, walletId: '', attempt: '' };
}

/** @param {string} text */
function failed(text) {
  return outcome('failed', text);
}

/** @param {Outcome} found */
function over(found) {
  forget(MEMORY);
  return found;
}
