/**
 * What a wallet's container gives a mini program: `my`, scripted. Devices differ as the documentation does: in how a
 * 4xx or 5xx comes back, in the spelling of an error's sentence, in the type of its code, and in the name of a status.
 */

import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

export class Container {
  /** `phone`: whose it is, in which wallet; `device`: how it behaves; `stored`: what outlives a launch. */
  constructor({ phone, device, stored, time, complain }) {
    Object.assign(this, { phone, device, stored, time, complain });
    this.flight = 0;
    this.landed = [];
    this.signing = null;
    this.forgotten = null;
    this.signings = 0;
    this.dialog = null;
    this.toasts = [];
    this.requests = [];
    this.losses = [];
    this.isGone = false;
    this.my = this.natives();
  }

  natives() {
    const natives = {
      SDKVersion: '1.24.6',
      canIUse: (name) => Object.hasOwn(natives, name),
      getSystemInfoSync: () => ({
        platform: this.device.platform ?? 'Android',
        app: this.phone.app ?? this.phone.site.toLowerCase(),
        language: this.device.language ?? 'en',
      }),
      getAuthCode: (options) => this.fly(this.loginCode(options)),
      request: (options) => this.fly(this.request(options)),
      showToast: ({ content }) => this.toasts.push(content),
      confirm: (options) => (this.dialog = options),
      setStorageSync: ({ key, data }) => this.stored.set(key, data),
      getStorageSync: ({ key }) => ({ data: this.stored.has(key) ? this.stored.get(key) : null }),
      removeStorageSync: ({ key }) => this.stored.delete(key),
    };
    if (this.device.site !== 'none') {
      natives.getSiteInfo = ({ success, fail }) =>
        this.device.site === 'fails' ? fail(this.error(12, 'No site.')) : success({ siteName: this.device.claims ?? this.phone.site });
    }
    if (this.device.signing !== 'none') natives.signContract = (options) => this.signContract(options);
    return natives;
  }

  error(code, sentence) {
    const isNumber = this.device.codes === 'number' && /^\d+$/.test(String(code));
    return { error: isNumber ? Number(code) : String(code), [this.device.spelling ?? 'errMessage']: sentence };
  }

  signContract(options) {
    if (this.signing) this.complain('signContract was called while it was open');
    this.signing = options;
    this.signings += 1;
  }

  /** The wallet's page is gone, and it has not called back. It may do so later. */
  forgetsToCallBack() {
    [this.forgotten, this.signing] = [this.signing, null];
  }

  /** The wallet calls back: `code` and `state`, or `error`; `times` more than once. */
  callBack({ code, state, error, times = 1 }) {
    const { success, fail, complete } = this.signing ?? this.forgotten;
    this.signing = null;
    for (let turn = 0; turn < times; turn += 1) {
      if (error === undefined) success({ authCode: code, authState: state });
      else fail(error === null ? undefined : this.error(error, 'It did not work.'));
      complete?.();
    }
  }

  decide(isSure) {
    const { success } = this.dialog;
    this.dialog = null;
    success({ confirm: isSure });
  }

  async loginCode({ success, fail }) {
    const { sandbox, site, user } = this.phone;
    const body = JSON.stringify({ wallet: site, user });
    const { data } = await ask('POST', `${sandbox}/control/login-codes`, { 'content-type': 'application/json' }, body);
    const { authCode } = JSON.parse(data);
    if (authCode) success({ authCode, authSuccessScopes: ['auth_base'], authErrorScopes: {} });
    else fail(this.error(12, 'The wallet cannot be reached.'));
  }

  async request({ url, method, headers, data, success, fail }) {
    const place = url.replace(/^https?:\/\/[^/]+\/api\/v1/, '');
    const loss = this.lossOf(`${method} ${place}`);
    this.requests.push({ method, place, key: headers['idempotency-key'] ?? '', lost: loss?.what ?? '' });
    if (loss?.what === 'request') return fail(this.error(12, 'Network error.'));
    const answer = await ask(method, url, headers, method === 'POST' ? data : undefined);
    if (this.isGone) return undefined;
    if (loss?.what === 'answer') return fail(this.error(13, 'Timeout.'));
    if (loss?.what === 'page') Object.assign(answer, { status: 502, data: '<html>Bad gateway</html>' });
    let said;
    try {
      said = JSON.parse(answer.data);
    } catch {
      return fail(this.error(14, 'JSON parse data error'));
    }
    const result = { data: said, [this.device.status ?? 'status']: answer.status, headers: {} };
    if (answer.status < 400 || !this.device.httpErrors) return success(result);
    if (this.device.httpErrors === 'nameless') return fail(this.error(19, 'http status error'));
    return fail({ ...this.error(19, 'http status error'), ...result });
  }

  lossOf(asked) {
    const loss = this.losses.find((one) => one.times > 0 && new RegExp(one.where).test(asked));
    if (loss) loss.times -= 1;
    return loss;
  }

  async fly(work) {
    this.flight += 1;
    try {
      await work;
    } catch (reason) {
      this.complain(String(reason?.stack ?? reason));
    } finally {
      this.flight -= 1;
      for (const tell of this.landed.splice(0)) tell();
    }
  }

  /** Resolves when nothing is under way any more, but for what time or the buyer must bring. */
  async rests() {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      if (this.flight) {
        await new Promise((resolve) => this.landed.push(resolve));
        quiet = -1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Time that stands still until somebody lets it pass. */
export class Time {
  constructor() {
    this.moment = Date.now();
    this.waiting = [];
    this.now = () => this.moment;
    this.setTimeout = (act, milliseconds) => this.waiting.push({ at: this.moment + milliseconds, act });
  }

  async pass(milliseconds, rests) {
    const end = this.moment + milliseconds;
    for (;;) {
      this.waiting.sort((one, other) => one.at - other.at);
      if (!this.waiting.length || this.waiting[0].at > end) break;
      const { at, act } = this.waiting.shift();
      this.moment = at;
      act();
      await rests();
    }
    this.moment = end;
  }
}

function ask(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, data: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}
