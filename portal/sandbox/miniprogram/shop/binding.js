/**
 * Binding the wallet, once for all pages that offer it.
 *
 * One attempt is one sign_str is one call of my.signContract; after any failure the server is asked for a new one. A
 * successful signature is no binding: that is what the server says after it exchanged the code. What nobody knows is
 * asked for before anything is offered again.
 */

import { get, post } from './api.js';
import { canSign, osType, pause, PlatformError, signContract } from './platform.js';
import { signIn } from './session.js';
import { Refused, Unreachable } from './wire.js';

const CANCELLED_BY_USER = '6001';
const NETWORK = '6002';
const SIGNING_FAILED = '7002';
const ASK_EVERY = 2000;
const ASK_TIMES = 10;
const CALLBACK_GRACE = 3000;
const MEMORY = 'attempt';

const OUTDATED = 'Please update this app: it is too old to link automatic payments.';
const NO_NETWORK = 'There was no connection, so nothing was linked. Try again.';
const FAILED = 'The wallet could not link. Please try again.';
const FOREIGN = 'This answer did not belong to you, so nothing was linked. Please start again.';

let isBusy = false;
let giveUpWaiting = null;

/** Bind the wallet this runs in. `tell` hears each step.
 *
 * Resolves to `{kind, text, wallet?, id?}`: bound, cancelled, failed, unsure; or null when a binding runs already.
 */
export async function bind({ returnTo, tell }) {
  if (isBusy) return null;
  isBusy = true;
  try {
    return await attemptToBind(returnTo, tell);
  } catch (reason) {
    if (reason instanceof Refused || reason instanceof Unreachable) return failed(reason.message);
    throw reason;
  } finally {
    isBusy = false;
    giveUpWaiting = null;
  }
}

async function attemptToBind(returnTo, tell) {
  if (!canSign()) return failed(OUTDATED);
  tell('opening');
  const { siteName } = await signIn();
  const wish = { site_name: siteName, os_type: osType(), return_to: returnTo };
  const attempt = await post('/authorizations', wish);
  if (attempt.status !== 'OFFERED') return verdict(attempt);
  remember(attempt.id);
  let signed;
  try {
    signed = await signature(attempt.sign_str);
  } catch (reason) {
    if (!(reason instanceof PlatformError)) throw reason;
    return afterFailure(attempt, reason.code, tell);
  }
  tell('linking');
  return redeem(attempt, signed, tell);
}

/** What the wallet gave back; given up when the buyer is here again and the wallet says nothing. */
function signature(signStr) {
  return new Promise((resolve, reject) => {
    giveUpWaiting = () => reject(new PlatformError({}));
    signContract(signStr).then(resolve, reject);
  });
}

/** The page is shown again. A callback that does not come soon will not come at all. */
export function cameBack() {
  const giveUp = giveUpWaiting;
  if (giveUp) pause(CALLBACK_GRACE).then(giveUp);
}

async function redeem(attempt, { authCode, authState }, tell) {
  try {
    // The server compares the state; a wrong one must reach it, because it may be a forgery.
    const now = await post(`/authorizations/${attempt.id}/code`, { auth_code: authCode, auth_state: authState });
    return await settled(now, tell);
  } catch (reason) {
    if (reason instanceof Refused && reason.code === 'auth_state_mismatch') return over(failed(FOREIGN));
    if (reason instanceof Unreachable || reason.code === 'authorization_not_open') return check(attempt.id, tell);
    throw reason;
  }
}

async function afterFailure(attempt, code, tell) {
  let now = attempt;
  try {
    now = await post(`/authorizations/${attempt.id}/failure`, { error: code || 'none' });
  } catch (reason) {
    if (!(reason instanceof Unreachable || reason instanceof Refused)) throw reason;
  }
  // The wallet's own notification may have been faster than its answer to us.
  if (['BOUND', 'CODE_RECEIVED'].includes(now.status)) return settled(now, tell);
  if (code === CANCELLED_BY_USER) return over({ kind: 'cancelled', text: 'Nothing was linked.' });
  if (code === NETWORK) return over(failed(NO_NETWORK));
  if (code === SIGNING_FAILED) return over(failed(FAILED));
  return check(attempt.id, tell);
}

async function settled(attempt, tell) {
  return isOpen(attempt) ? check(attempt.id, tell) : verdict(attempt);
}

/** Ask for the attempt until it is decided, or for as long as a buyer may be kept waiting. */
export async function check(id, tell) {
  tell('checking');
  for (let asked = 0; asked < ASK_TIMES; asked += 1) {
    await pause(ASK_EVERY);
    try {
      const attempt = await get(`/authorizations/${id}`);
      if (!isOpen(attempt)) return verdict(attempt);
    } catch (reason) {
      if (reason instanceof Refused) return over(failed(reason.message));
      if (!(reason instanceof Unreachable)) throw reason;
    }
  }
  return { kind: 'unsure', id, text: 'The wallet has not confirmed yet. You can check again in a moment.' };
}

/** What became of an attempt that the buyer left open when the app was closed; a sentence, or nothing. */
export async function unfinished() {
  const id = my.getStorageSync({ key: MEMORY }).data;
  if (!id || isBusy) return '';
  try {
    const attempt = await get(`/authorizations/${id}`);
    forgetAttempt();
    return attempt.status === 'BOUND' ? `${attempt.name} is linked.` : '';
  } catch (reason) {
    if (reason instanceof Refused) forgetAttempt();
    else if (!(reason instanceof Unreachable)) throw reason;
    return '';
  }
}

function isOpen(attempt) {
  return ['STARTED', 'OFFERED', 'CODE_RECEIVED'].includes(attempt.status);
}

function verdict(attempt) {
  if (attempt.status === 'BOUND') {
    return over({ kind: 'bound', wallet: attempt.wallet_account, text: `${attempt.name} is linked.` });
  }
  if (attempt.status === 'CANCELLED') return over({ kind: 'cancelled', text: 'Nothing was linked.' });
  return over(failed(attempt.reason?.text || FAILED));
}

function failed(text) {
  return { kind: 'failed', text };
}

/** Only the attempt's id is kept on the phone: no code, no state, no link. */
function remember(id) {
  my.setStorageSync({ key: MEMORY, data: id });
}

function forgetAttempt() {
  my.removeStorageSync({ key: MEMORY });
}

function over(outcome) {
  forgetAttempt();
  return outcome;
}
