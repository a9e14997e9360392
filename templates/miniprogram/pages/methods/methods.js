import { confirmed, freshKey, pause, toast } from '../../adapter/platform.js';
import { isUnreachable } from '../../api/asking.js';
import { revokeWallet } from '../../api/client.js';
import { Questions } from '../../lib/asked.js';
import { cameBack } from '../../lib/binding.js';
import { checkAgain, link } from '../../lib/linking.js';
import { endingWith, paymentMethods } from '../../lib/methods.js';
import { say, trouble, words } from '../../lib/words.js';

/** @typedef {import('../../lib/methods.js').Method} Method */

const LOOK_EVERY_MILLISECONDS = 2000;
const LOOK_TIMES = 10;

const questions = new Questions();
/** The key stays until it is known what became of the press. */
const removal = { isBusy: false, key: '', walletId: '' };
const watch = { isShown: false, isGoing: false };

Page({
  data: {
    words: words.methods,
    common: words.common,
    isLoading: true,
    failure: '',
    /** @type {Method | null} */
    here: null,
    isLinkable: false,
    isLinked: false,
    isEnding: false,
    isDead: false,
    hasOthers: false,
    /** @type {Method[]} */
    others: [],
    said: { lead: '', once: '', noPassword: '', limits: '', end: '', link: '', linked: '', dead: '', again: '', remove: '', ending: '' },
    step: '',
    note: '',
    unsureId: '',
  },

  /** A wallet can be ended in the wallet's own app, so every showing asks anew. */
  onShow() {
    watch.isShown = true;
    cameBack();
    this.refresh();
  },

  onHide() {
    watch.isShown = false;
  },

  async refresh() {
    const isNews = questions.next();
    try {
      const { here, bound } = await paymentMethods();
      if (!isNews()) return;
      const others = bound.filter((method) => !method.isHere);
      this.setData({
        isLoading: false,
        failure: here ? '' : words.common.notHere,
        here,
        isLinkable: Boolean(here && !here.isBound),
        isLinked: Boolean(here && here.isActive),
        isEnding: Boolean(here && here.isEnding),
        isDead: Boolean(here && here.needsAgreement),
        hasOthers: others.length > 0,
        others,
        said: here ? this.sentences(here) : this.data.said,
      });
      if (here && here.isEnding) this.watchTheEnd();
    } catch (reason) {
      const failure = trouble(reason);
      if (isNews()) this.setData({ isLoading: false, failure });
    }
  },

  /** @param {Method} here */
  sentences(here) {
    const places = { wallet: here.name, limits: here.limits, since: here.since };
    const from = words.methods;
    return {
      lead: say(from.lead, places),
      once: say(from.once, places),
      noPassword: say(from.noPassword, places),
      limits: here.limits ? say(from.limits, places) : '',
      end: say(from.end, places),
      link: say(from.link, places),
      linked: say(from.linkedSince, places),
      dead: say(from.dead, places),
      again: say(from.linkAgain, places),
      remove: say(from.remove, places),
      ending: say(from.ending, places),
    };
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  async link() {
    if (await link(this, 'pages/methods/methods')) await this.refresh();
  },

  async checkAgain() {
    if (await checkAgain(this)) await this.refresh();
  },

  /** Names what ends with the wallet before anything ends. */
  async remove() {
    const { here } = this.data;
    if (removal.isBusy || !here || !here.isActive) return;
    removal.isBusy = true;
    try {
      const ends = await endingWith(here.walletId);
      const isSure = await confirmed({
        title: say(words.methods.removeTitle, { wallet: here.name }),
        content: [words.methods.removeText, ends].filter(Boolean).join(' '),
        confirmButtonText: words.methods.removeYes,
        cancelButtonText: words.common.keep,
      });
      if (isSure) await this.revoke(here);
    } catch (reason) {
      this.setData({ note: trouble(reason) });
    } finally {
      removal.isBusy = false;
    }
  },

  /**
   * Until it is final the wallet stays in sight, and cannot be used.
   *
   * @param {Method} here
   */
  async revoke(here) {
    questions.next();
    if (removal.walletId !== here.walletId || !removal.key) {
      Object.assign(removal, { walletId: here.walletId, key: freshKey() });
    }
    this.setData({ isLinked: false, isEnding: true, note: '' });
    try {
      const wallet = await revokeWallet(here.walletId, { reason_code: 'BUYER_REQUEST' }, removal.key);
      removal.key = '';
      if (wallet.status === 'REVOKED') toast(say(words.methods.removed, { wallet: here.name }));
    } catch (reason) {
      if (!isUnreachable(reason)) removal.key = '';
      this.setData({ note: trouble(reason) });
    }
    await this.refresh();
  },

  /** Ask until it has ended, or for as long as anybody wants to look. */
  async watchTheEnd() {
    if (watch.isGoing) return;
    watch.isGoing = true;
    for (let looked = 0; looked < LOOK_TIMES && watch.isShown && this.data.isEnding; looked += 1) {
      await pause(LOOK_EVERY_MILLISECONDS);
      await this.refresh();
    }
    watch.isGoing = false;
    const { here, isEnding, isLinkable } = this.data;
    if (here && !isEnding && isLinkable) toast(say(words.methods.removed, { wallet: here.name }));
  },
});
