import { act } from '../../api.js';
import { bind, cameBack, check } from '../../binding.js';
import { endingWith, paymentMethods } from '../../methods.js';
import { confirmed, freshKey, pause } from '../../platform.js';
import { trouble } from '../../words.js';
import { Unreachable } from '../../wire.js';

const LOOK_EVERY = 2000;
const LOOK_TIMES = 10;

Page({
  title: 'Payment methods',
  data: { isLoading: true, failure: '', here: null, others: [], step: '', note: '', unsureId: '' },

  // A wallet can be ended from the wallet's own app, so every showing asks anew.
  onShow() {
    this.isShown = true;
    cameBack();
    this.refresh();
  },

  onHide() {
    this.isShown = false;
  },

  /** What was asked before a later question, or before the buyer acted, is old when it is answered: nobody draws it. */
  asks() {
    this.asked = (this.asked ?? 0) + 1;
    const mine = this.asked;
    return () => mine === this.asked;
  },

  async refresh() {
    const isNews = this.asks();
    try {
      const { here, bound } = await paymentMethods();
      if (!isNews()) return;
      this.setData({
        isLoading: false,
        failure: here ? '' : 'We cannot take payments from this wallet yet. Sorry!',
        here,
        isLinkable: Boolean(here && !here.account),
        isLinked: Boolean(here?.isActive),
        isEnding: Boolean(here?.isEnding),
        isDead: Boolean(here?.needsAgreement),
        others: bound.filter((method) => !method.is_here),
        hasOthers: bound.some((method) => !method.is_here),
      });
      if (here?.isEnding) this.watchTheEnd();
    } catch (reason) {
      const failure = trouble(reason);
      if (isNews()) this.setData({ isLoading: false, failure });
    }
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  async link() {
    this.setData({ note: '', unsureId: '' });
    await this.follow(bind({ returnTo: 'pages/methods/methods', tell: (step) => this.tell(step) }));
  },

  async checkAgain() {
    const id = this.data.unsureId;
    this.setData({ note: '', unsureId: '' });
    await this.follow(check(id, (step) => this.tell(step)));
  },

  tell(step) {
    const { name } = this.data.here;
    const words = { opening: `Opening ${name}…`, linking: `Linking ${name}…`, checking: `Checking with ${name}…` };
    this.setData({ step: words[step] });
  },

  async follow(binding) {
    const outcome = await binding;
    if (!outcome) return;
    this.setData({
      step: '',
      note: outcome.kind === 'failed' || outcome.kind === 'unsure' ? outcome.text : '',
      unsureId: outcome.kind === 'unsure' ? outcome.id : '',
    });
    if (outcome.kind === 'bound' || outcome.kind === 'cancelled') my.showToast({ content: outcome.text });
    await this.refresh();
  },

  async remove() {
    const { here } = this.data;
    if (this.isRemoving) return;
    this.isRemoving = true;
    try {
      const ends = await endingWith(here.accountId);
      const loses = 'We can no longer charge it. Orders you have not paid yet need another way to pay.';
      const isSure = await confirmed({
        title: `Remove ${here.name}?`,
        content: [loses, ends, 'You can link it again whenever you like.'].filter(Boolean).join(' '),
        confirmButtonText: `Remove ${here.name}`,
        cancelButtonText: 'Keep it',
      });
      if (isSure) await this.revoke(here);
    } finally {
      this.isRemoving = false;
    }
  },

  /** Until it is final the wallet stays in sight, and cannot be used. */
  async revoke(here) {
    this.asks();
    this.setData({ isLinked: false, isEnding: true, note: '' });
    let said = '';
    try {
      const wallet = await act(`/wallets/${here.accountId}/revoke`, { reason_code: 'BUYER_REQUEST' }, freshKey());
      if (wallet.status === 'REVOKED') said = `${here.name} is removed.`;
    } catch (reason) {
      said = trouble(reason);
      if (reason instanceof Unreachable) return this.setData({ note: said });
    }
    await this.refresh(); // first the page, then the words about it: they never contradict each other
    if (said) my.showToast({ content: said });
  },

  async watchTheEnd() {
    if (this.isWatching) return;
    this.isWatching = true;
    for (let looked = 0; looked < LOOK_TIMES && this.isShown && this.data.isEnding; looked += 1) {
      await pause(LOOK_EVERY);
      await this.refresh();
    }
    this.isWatching = false;
    if (!this.data.isEnding && !this.data.isLinked) my.showToast({ content: `${this.data.here.name} is removed.` });
  },
});
