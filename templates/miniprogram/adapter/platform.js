/**
 * `my.*` as promises, and the only module that knows it: where a wallet's container differs, it is evened out here.
 */

/** Site names by the app's own name, for containers without my.getSiteInfo. A hint: the server decides on it. */
const SITES = { alipayhk: 'ALIPAY_HK', alipaymo: 'ALIPAY_MO', dana: 'DANA', gcash: 'GCASH', kakaopay: 'KAKAOPAY', tngd: 'TNG' };
const HTTP_ERROR = '19';
const NOT_ALLOWED = '11';
const TIMEOUT_MILLISECONDS = 30000;
const TOAST_MILLISECONDS = 3000;

/** What `fail` said: the code comes as text or number, the sentence as errMessage or errorMessage, or not at all. */
export class PlatformError extends Error {
  /** @param {my.Failure} [said] */
  constructor(said) {
    const { error, errMessage, errorMessage } = said || {};
    super(String(errMessage || errorMessage || 'The app gave no reason.'));
    this.isPlatforms = true;
    /** Empty where the container gave none. */
    this.code = error === undefined || error === null ? '' : String(error);
  }
}

/**
 * Whether it is one; by what it holds, as in api/asking.js.
 *
 * @param {any} reason
 * @returns {reason is PlatformError}
 */
export function isPlatformError(reason) {
  return Boolean(reason && reason.isPlatforms);
}

/**
 * A call of the container as a promise. It counts once, however often it calls back.
 *
 * @template R
 * @param {(callbacks: { success(result: R): void, fail(reason: my.Failure): void }) => void} call
 * @returns {Promise<R>}
 */
function promised(call) {
  return new Promise((resolve, reject) => {
    try {
      call({ success: resolve, fail: (said) => reject(new PlatformError(said)) });
    } catch (reason) {
      reject(new PlatformError({ errorMessage: String(reason) }));
    }
  });
}

/** Which wallet this runs in, by its own word; empty where nobody says. */
export async function siteName() {
  if (typeof my.getSiteInfo === 'function') {
    try {
      return (await promised(({ success, fail }) => my.getSiteInfo({ success, fail }))).siteName;
    } catch (reason) {
      note('getSiteInfo failed', { error: codeOf(reason) });
    }
  }
  const name = String(my.getSystemInfoSync().app || '').toLowerCase();
  return Object.prototype.hasOwnProperty.call(SITES, name) ? SITES[/** @type {keyof typeof SITES} */ (name)] : '';
}

/** A login code, silently; it is another kind than the one of signContract, and works once. */
export async function loginCode() {
  const scopes = ['auth_base'];
  return (await promised(({ success, fail }) => my.getAuthCode({ scopes, success, fail }))).authCode;
}

/** Whether this app can bind a wallet at all. */
export function canSign() {
  return typeof my.signContract === 'function' && my.canIUse('signContract');
}

/**
 * Let the buyer agree on the wallet's page. Success is no binding: that is what the server says.
 *
 * @param {string} signStr as the server answered it, never built, decoded or shortened
 * @returns {Promise<my.SignContractSuccess>} rejects with a PlatformError
 */
export function signContract(signStr) {
  return promised(({ success, fail }) => my.signContract({ signStr, success, fail }));
}

/**
 * One request, with its status. Containers bring a 4xx or 5xx by success or by fail; either way it is an answer here.
 *
 * @param {'GET' | 'POST'} method
 * @param {string} url
 * @param {{ headers: Record<string, string>, data?: string }} sent
 * @returns {Promise<{ status: number, data: unknown }>} rejects with a PlatformError where there is no answer
 */
export async function request(method, url, sent) {
  const answer = await promised(
    /** @param {{ success(answer: my.Answer): void, fail(reason: my.Failure): void }} callbacks */
    ({ success, fail }) =>
      my.request(
        Object.assign({ url, method, timeout: TIMEOUT_MILLISECONDS, dataType: /** @type {const} */ ('json') }, sent, {
          success,
          fail: (/** @type {my.Failure & my.Answer} */ said) =>
            new PlatformError(said).code === HTTP_ERROR ? success(said) : fail(said),
        }),
      ),
  ).catch((reason) => {
    // Only a developer can mend that: the IDE may be told to ignore the list, and released builds never are.
    if (reason.code === NOT_ALLOWED) console.error(`${url} is not among the server domains of this mini program.`);
    throw reason;
  });
  return { status: statusOf(answer), data: answer.data };
}

/**
 * Some containers bring the server's words and not its status: a refusal of our server says it itself. 0: nobody does.
 *
 * @param {my.Answer} answer
 */
function statusOf({ status, statusCode, data }) {
  const said = data && typeof data === 'object' ? /** @type {{ status?: unknown }} */ (data).status : 0;
  return Number(status || statusCode || said) || 0;
}

/** What our server wants to know of the phone. */
export function osType() {
  return /ios|iphone|ipad/i.test(my.getSystemInfoSync().platform) ? /** @type {const} */ ('IOS') : 'ANDROID';
}

/** The language of the app, such as en or zh-Hans; spellings differ. */
export function language() {
  return String(my.getSystemInfoSync().language || 'en');
}

/** @param {string} url */
export function openPage(url) {
  my.navigateTo({ url });
}

/** @param {string} url */
export function replacePage(url) {
  my.redirectTo({ url });
}

/** @param {string} url */
export function openTab(url) {
  my.switchTab({ url });
}

/** @param {string} content */
export function toast(content) {
  my.showToast({ content, duration: TOAST_MILLISECONDS });
}

/**
 * Ask; true when the buyer says yes.
 *
 * @param {{ title: string, content: string, confirmButtonText: string, cancelButtonText: string }} question
 */
export async function confirmed(question) {
  const answer = await promised(
    /** @param {{ success(answer: { confirm: boolean }): void, fail(reason: my.Failure): void }} callbacks */
    (callbacks) => my.confirm(Object.assign({}, question, callbacks)),
  );
  return answer.confirm;
}

/**
 * Kept on the phone. No code, no token and no link is ever given to it.
 *
 * @param {string} key
 * @param {string} value
 */
export function remember(key, value) {
  my.setStorageSync({ key, data: value });
}

/** @param {string} key */
export function remembered(key) {
  const { data } = my.getStorageSync({ key });
  return typeof data === 'string' ? data : '';
}

/** @param {string} key */
export function forget(key) {
  my.removeStorageSync({ key });
}

/**
 * Wait a while.
 *
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
export function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** A fresh key for one press of a button; it is no secret, so any randomness does. */
export function freshKey() {
  const letters = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${letters()}${letters()}`;
}

/**
 * For whoever looks for a mistake: ids and error codes, never a code, a token or a link.
 *
 * @param {string} what
 * @param {Record<string, string>} facts
 */
export function note(what, facts) {
  console.info(what, Object.assign({ sdk: String(my.SDKVersion || '') }, facts));
}

/** @param {unknown} reason */
export function codeOf(reason) {
  return isPlatformError(reason) ? reason.code : '';
}
