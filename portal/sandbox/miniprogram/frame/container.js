/**
 * What a wallet's container gives a mini program natively: site, login code, signing, requests, storage.
 *
 * Results and error codes are those of the platform's pages (https://miniprogram.alipay.com/docs/miniprogram/mpdev).
 * `troubles` are wishes of whoever tests: what should go wrong next.
 */

import { AGREED, NOT_A_LINK, REFUSED } from './walletview.js';

const FORWARD = '/miniprogram/request';
const SDK_VERSION = '1.24.6';
const USUAL_TIMEOUT = 30000;
const PREFIX = 'miniprogram';

/** A container for one user of one wallet. */
export function createContainer({ account, watch, walletView, troubles, left, returned }) {
  function answer(options, end, outcome, result) {
    const { success, fail, complete } = options ?? {};
    if (end) end(outcome === 'success' ? 'good' : 'bad', outcome === 'success' ? 'success' : 'fail', result);
    if (outcome === 'success') success?.(result);
    else fail?.(result);
    complete?.(result);
  }

  /** An error, in the spelling the device has. */
  function error(code, sentence) {
    return { error: code, [troubles.spelling]: sentence };
  }

  function getSiteInfo(options) {
    const end = watch.begin('my', 'my.getSiteInfo');
    const siteName = troubles.site === 'unknown' ? 'NEWPAY' : account.site;
    queueMicrotask(() => answer(options, end, 'success', { siteName }));
  }

  function getSystemInfoSync() {
    const isApple = /iPhone|iPad|Macintosh/.test(navigator.userAgent);
    return { platform: isApple ? 'iOS' : 'Android', app: account.site.toLowerCase(), language: navigator.language };
  }

  async function getAuthCode(options) {
    const end = watch.begin('my', 'my.getAuthCode', { scopes: options?.scopes ?? ['auth_base'] });
    try {
      const response = await fetch('/control/login-codes', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ wallet: account.site, user: account.user }),
      });
      const { authCode } = await response.json();
      if (!authCode) throw new TypeError('no code');
      answer(options, end, 'success', { authCode, authSuccessScopes: ['auth_base'], authErrorScopes: {} });
    } catch (reason) {
      if (!(reason instanceof TypeError)) throw reason;
      answer(options, end, 'fail', { error: 12, errorMessage: 'The wallet cannot be reached.' });
    }
  }

  async function signContract(options) {
    const end = watch.begin('my', 'my.signContract', { signStr: options?.signStr });
    const trouble = troubles.take('signing');
    if (trouble === '6002') return answer(options, end, 'fail', error('6002', 'Network error.'));
    if (trouble === '7002') return answer(options, end, 'fail', error('7002', 'The contract could not be signed.'));
    left();
    const outcome = await walletView.decide(account.wallet, String(options?.signStr ?? ''), account.user);
    if (trouble === 'never') {
      end('bad', 'no callback');
      returned();
      return undefined;
    }
    if (outcome.kind === AGREED) {
      const authState = trouble === 'state' ? `${outcome.authState.slice(0, -3)}XXX` : outcome.authState;
      const result = { authCode: outcome.authCode, authState };
      answer(options, end, 'success', result);
      if (trouble === 'twice') answer(options, watch.begin('my', 'my.signContract, once more'), 'success', result);
    } else if (outcome.kind === REFUSED) {
      answer(options, end, 'fail', error('6001', 'The user cancelled.'));
    } else if (outcome.kind === NOT_A_LINK) {
      answer(options, end, 'fail', error('7002', 'signStr is no authorization of this wallet.'));
    } else {
      answer(options, end, 'fail', error('7001', 'The result is unknown, and may be a success.'));
    }
    returned();
    return undefined;
  }

  function request(options) {
    const abort = new AbortController();
    send(options ?? {}, abort.signal);
    return { abort: () => abort.abort() };
  }

  async function send(options, signal) {
    const method = options.method ?? 'GET';
    const headers = { 'content-type': 'application/json', ...options.headers };
    const end = watch.begin('api', `${method} ${shortened(options.url)}`, shown(options, headers));
    const trouble = method === 'POST' ? troubles.take('network') : '';
    if (trouble === 'lost request') return answer(options, end, 'fail', error(12, 'Network error.'));
    let reply;
    try {
      const response = await fetch(FORWARD, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          url: options.url,
          method,
          headers,
          body: method === 'POST' ? written(options.data) : null,
          timeout: options.timeout ?? USUAL_TIMEOUT,
        }),
        signal,
      });
      reply = await response.json();
    } catch (reason) {
      const isAborted = reason instanceof DOMException && reason.name === 'AbortError';
      if (!isAborted && !(reason instanceof TypeError)) throw reason;
      return answer(options, end, 'fail', error(isAborted ? 9 : 12, isAborted ? 'Aborted.' : 'Network error.'));
    }
    if (trouble === 'lost answer') return answer(options, end, 'fail', error(13, 'Timeout.'));
    if (reply.error) return answer(options, end, 'fail', error(reply.error, reply.errorMessage));
    return deliver(options, end, reply);
  }

  function deliver(options, end, reply) {
    let data = reply.body;
    try {
      if ((options.dataType ?? 'json') === 'json') data = JSON.parse(reply.body);
    } catch {
      return answer(options, end, 'fail', error(14, 'JSON parse data error'));
    }
    const result = { data, status: reply.status, headers: reply.headers };
    const isRefused = reply.status >= 400;
    end(isRefused ? 'bad' : 'good', String(reply.status), data);
    if (isRefused && troubles.httpErrors === 'fail') {
      return answer(options, null, 'fail', { ...error(19, 'http status error'), ...result });
    }
    return answer(options, null, 'success', result);
  }

  const storageKey = (key) => `${PREFIX}:${account.site}:${account.user}:${key}`;
  const storage = {
    setStorageSync({ key, data }) {
      localStorage.setItem(storageKey(key), JSON.stringify(data));
    },
    getStorageSync({ key }) {
      const kept = localStorage.getItem(storageKey(key));
      return { data: kept === null ? null : JSON.parse(kept) };
    },
    removeStorageSync({ key }) {
      localStorage.removeItem(storageKey(key));
    },
  };

  const natives = { getSiteInfo, getSystemInfoSync, getAuthCode, request, ...storage };
  if (troubles.site !== 'old app') natives.signContract = signContract;
  return { ...natives, SDKVersion: SDK_VERSION, canIUse: (name) => Object.hasOwn(natives, name) };
}

function written(data) {
  if (data === undefined || data === null) return null;
  return typeof data === 'string' ? data : JSON.stringify(data);
}

function shortened(url) {
  const text = String(url ?? '');
  return text.replace(/^https?:\/\/[^/]+\/api\/v1/, '');
}

/** What was asked, as data: a secret in a text that is JSON could not be masked. */
function shown({ data }, headers) {
  if (data === undefined) return { headers };
  return { headers, body: typeof data === 'string' ? JSON.parse(data) : data };
}
