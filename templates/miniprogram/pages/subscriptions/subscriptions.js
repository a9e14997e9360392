import { confirmed, freshKey, openTab, toast } from '../../adapter/platform.js';
import { isUnreachable } from '../../api/asking.js';
import {
  cancelSubscription,
  listPlans,
  listSubscriptions,
  pauseSubscription,
  resumeSubscription,
  startSubscription,
} from '../../api/client.js';
import { example, typed } from '../../lib/amounts.js';
import { Questions } from '../../lib/asked.js';
import { paymentMethods, takes } from '../../lib/methods.js';
import { day, money, reasonText, say, trouble, words } from '../../lib/words.js';

/**
 * @typedef {import('../../api/types').Plan} Plan
 * @typedef {import('../../api/types').Subscription} Subscription
 * @typedef {import('../../api/types').Currency} Currency
 * @typedef {import('../../lib/methods.js').Method} Method
 * @typedef {{
 *   id: string, name: string, price: string, state: string, tone: string, next: string, trouble: string,
 *   canAgree: boolean, canPause: boolean, canResume: boolean, canEnd: boolean,
 * }} Running
 * @typedef {{
 *   code: string, name: string, price: string, currency: string, interval: string, isMetered: boolean, limit: string,
 *   example: string,
 * }} Offered
 */

const OVER = ['CANCELLED', 'ENDED'];

const questions = new Questions();
/** One act at a time; its key stays for as long as nobody knows what became of it. */
const act = { isBusy: false, name: '', key: '' };
/** By plan: what the buyer typed as the most that may be charged. */
const limits = new Map();

Page({
  data: {
    words: words.subscriptions,
    common: words.common,
    isLoading: true,
    failure: '',
    note: '',
    isBusy: false,
    isEmpty: false,
    /** @type {Running[]} */
    running: [],
    hasPlans: false,
    /** @type {Offered[]} */
    plans: [],
    canStart: false,
    walletId: '',
    walletName: '',
    linkFirst: '',
  },

  onShow() {
    this.refresh();
  },

  async refresh() {
    const isNews = questions.next();
    try {
      const [mine, offered, { here }] = await Promise.all([listSubscriptions(), listPlans(), paymentMethods()]);
      if (!isNews()) return;
      const running = mine.items.filter((item) => !OVER.includes(item.status));
      const held = running.map((item) => item.plan.code);
      const plans = offered.items.filter(
        (plan) => here && takes(here, plan.currency) && !held.includes(plan.code),
      );
      this.setData({
        isLoading: false,
        failure: '',
        isEmpty: running.length === 0,
        running: running.map(described),
        hasPlans: plans.length > 0,
        plans: plans.map(onOffer),
        canStart: Boolean(here && here.isActive),
        walletId: here && here.isActive ? here.walletId : '',
        walletName: here ? here.name : '',
        linkFirst: here ? say(words.subscriptions.linkFirst, { wallet: here.name }) : words.common.notHere,
      });
    } catch (reason) {
      const failure = trouble(reason);
      if (isNews()) this.setData({ isLoading: false, failure });
    }
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  /** @param {TypingEvent} event */
  typeLimit(event) {
    limits.set(event.currentTarget.dataset.code, event.detail.value);
  },

  /**
   * What is agreed to is said before it is agreed to: how much, how often, from which wallet, and how to end it. Of a
   * metered plan the buyer says how much at most.
   *
   * @param {TapEvent} event
   */
  async start(event) {
    const plan = this.data.plans.find((one) => one.code === event.currentTarget.dataset.code);
    const { walletId, walletName } = this.data;
    if (!plan || !walletId) return;
    const most = plan.isMetered ? typed(limits.get(plan.code) || '', plan.currency) : null;
    if (plan.isMetered && !most) {
      toast(say(words.subscriptions.sayLimit, { example: plan.example }));
      return;
    }
    const { price, interval } = plan;
    const content = most
      ? say(words.subscriptions.startMeteredText, { wallet: walletName, interval, amount: money(most) })
      : say(words.subscriptions.startText, { price, wallet: walletName });
    /** @type {Parameters<typeof startSubscription>[0]} */
    const wanted = { plan: plan.code, wallet_id: walletId };
    if (most) wanted.most = { value: most.value, currency: /** @type {Currency} */ (most.currency) };
    await this.perform(
      `start ${plan.code} ${walletId} ${most ? most.value : ''}`,
      {
        title: say(words.subscriptions.startTitle, { plan: plan.name }),
        content,
        confirmButtonText: words.subscriptions.startYes,
        cancelButtonText: words.common.no,
      },
      (key) => startSubscription(wanted, key),
      words.subscriptions.started,
    );
  },

  /** @param {TapEvent} event */
  async end(event) {
    const id = event.currentTarget.dataset.id || '';
    const name = event.currentTarget.dataset.name || '';
    await this.perform(
      `end ${id}`,
      {
        title: say(words.subscriptions.endTitle, { plan: name }),
        content: words.subscriptions.endText,
        confirmButtonText: words.subscriptions.endYes,
        cancelButtonText: words.common.keep,
      },
      (key) => cancelSubscription(id, { at: 'NOW' }, key),
      words.subscriptions.ended,
    );
  },

  /** @param {TapEvent} event */
  async pause(event) {
    const id = event.currentTarget.dataset.id || '';
    await this.perform(`pause ${id}`, null, (key) => pauseSubscription(id, key), words.subscriptions.paused);
  },

  /** @param {TapEvent} event */
  async resume(event) {
    const id = event.currentTarget.dataset.id || '';
    await this.perform(`resume ${id}`, null, (key) => resumeSubscription(id, key), words.subscriptions.resumed);
  },

  /** A wallet is agreed to on the page of payment methods; what waits for it goes on by itself then. */
  openMethods() {
    openTab('/pages/methods/methods');
  },

  /**
   * @param {string} name of the act: the same one is repeated under the same key
   * @param {Parameters<typeof confirmed>[0] | null} question
   * @param {(key: string) => Promise<unknown>} work
   * @param {string} done
   */
  async perform(name, question, work, done) {
    if (act.isBusy) return;
    act.isBusy = true;
    try {
      if (question && !(await confirmed(question))) return;
      if (act.name !== name || !act.key) Object.assign(act, { name, key: freshKey() });
      this.setData({ isBusy: true, note: '' });
      await work(act.key);
      act.key = '';
      toast(done);
    } catch (reason) {
      if (!isUnreachable(reason)) act.key = '';
      this.setData({ note: trouble(reason) });
    } finally {
      act.isBusy = false;
      this.setData({ isBusy: false });
    }
    await this.refresh();
  },
});

/**
 * @param {Subscription} item
 * @returns {Running}
 */
function described(item) {
  const said = words.subscriptions;
  const isPaused = item.status === 'PAUSED';
  return {
    id: item.id,
    name: item.plan.name,
    price: item.most ? upTo(item.most, item.plan) : priceOf(item.plan),
    state: stateOf(item),
    tone: item.trouble ? 'bad' : isPaused ? 'wait' : 'good',
    next: nextOf(item),
    trouble: item.trouble ? reasonText('trouble', item.trouble) : '',
    canAgree: Boolean(item.trouble && item.trouble.action === 'authorize_again'),
    canPause: item.status === 'ACTIVE' && !item.ends_with_period,
    canResume: isPaused,
    canEnd: true,
  };

  /** @param {Subscription} one */
  function stateOf(one) {
    if (one.status === 'PAUSED') return said.isPaused;
    return one.status === 'ACTIVE' ? said.isActive : said.isUnpaid;
  }
}

/** @param {Subscription} item */
function nextOf(item) {
  const said = words.subscriptions;
  if (!item.next_on) return item.ends_with_period ? said.endsWithPeriod : said.noNext;
  const places = { day: day(item.next_on), amount: item.next_amount ? money(item.next_amount) : '' };
  return say(item.next_amount ? said.next : said.nextUnknown, places);
}

/**
 * @param {Plan} plan
 * @returns {Offered}
 */
function onOffer(plan) {
  const { code, name, currency } = plan;
  return {
    code,
    name,
    currency,
    price: priceOf(plan),
    interval: intervalOf(plan),
    isMetered: !plan.amount,
    limit: say(words.subscriptions.limit, { currency }),
    example: example(currency),
  };
}

/** @param {Plan} plan */
function intervalOf(plan) {
  return say(words.intervals[plan.every > 1 ? several(plan) : plan.interval], { count: plan.every });
}

/** @param {Plan} plan */
function priceOf(plan) {
  const interval = intervalOf(plan);
  const said = words.subscriptions;
  return plan.amount ? say(said.price, { amount: money(plan.amount), interval }) : say(said.metered, { interval });
}

/**
 * @param {import('../../api/types').Amount} most
 * @param {Plan} plan
 */
function upTo(most, plan) {
  return say(words.subscriptions.upTo, { amount: money(most), interval: intervalOf(plan) });
}

/**
 * @param {Plan} plan
 * @returns {`${Plan['interval']}S`}
 */
function several(plan) {
  return /** @type {`${Plan['interval']}S`} */ (`${plan.interval}S`);
}
