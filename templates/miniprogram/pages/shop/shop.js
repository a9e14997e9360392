import { freshKey, openPage, toast } from '../../adapter/platform.js';
import { isUnreachable } from '../../api/asking.js';
import { listOrders, listProducts, placeOrder } from '../../api/client.js';
import { Questions } from '../../lib/asked.js';
import { paymentMethods } from '../../lib/methods.js';
import { contents, isPending, progress } from '../../lib/orders.js';
import { money, say, trouble, words } from '../../lib/words.js';

/**
 * @typedef {import('../../api/types').Currency} Currency
 * @typedef {{
 *   sku: string, name: string, description: string, price: string, currency: string, isBusy: boolean, label: string,
 * }} Product
 */

const LATEST = '5';

const questions = new Questions();
const wish = { sku: '', key: '', isBusy: false };

Page({
  data: {
    words: words.shop,
    common: words.common,
    isLoading: true,
    failure: '',
    isEmpty: false,
    /** @type {Product[]} */
    products: [],
    hasOrders: false,
    /** @type {{ number: string, what: string, amount: string, word: string, tone: string, page: string }[]} */
    orders: [],
  },

  onShow() {
    this.refresh();
  },

  /** Products at their price in the money of this wallet, and the latest orders. */
  async refresh() {
    const isNews = questions.next();
    try {
      const { here } = await paymentMethods();
      if (!here) {
        if (isNews()) this.setData({ isLoading: false, failure: words.common.notHere });
        return;
      }
      // Empty where nobody has said it: then each product comes at its first price.
      const wanted = here.currency ? { currency: /** @type {Currency} */ (here.currency) } : {};
      const [sold, placed] = await Promise.all([
        listProducts(wanted),
        listOrders({ limit: LATEST }),
      ]);
      if (!isNews()) return;
      const products = sold.items.map((product) => {
        const [price] = product.prices;
        const said = price ? money(price) : '';
        return {
          sku: product.sku,
          name: product.name,
          description: product.description,
          price: said,
          currency: price ? price.currency : '',
          isBusy: product.sku === wish.sku && wish.isBusy,
          label: say(words.shop.buy, { name: product.name, price: said }),
        };
      });
      const orders = placed.items.map((order) =>
        Object.assign(progress(order), {
          number: order.number,
          what: contents(order),
          amount: money(order.amount),
          page: order.status === 'INIT' && !isPending(order) ? 'cashier' : 'result',
        }),
      );
      this.setData({
        isLoading: false,
        failure: '',
        isEmpty: products.length === 0,
        products,
        hasOrders: orders.length > 0,
        orders,
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

  /**
   * Place an order for one piece; the price is the server's. A second tap finds the first one still going, and after a
   * lost answer the same piece is ordered under the same key.
   *
   * @param {TapEvent} event
   */
  async buy(event) {
    const sku = event.currentTarget.dataset.sku || '';
    const product = this.data.products.find((one) => one.sku === sku);
    if (wish.isBusy || !product || !product.currency) return;
    const currency = /** @type {Currency} */ (product.currency);
    if (wish.sku !== sku || !wish.key) Object.assign(wish, { sku, key: freshKey() });
    wish.isBusy = true;
    this.mark();
    try {
      const order = await placeOrder({ items: [{ sku, quantity: 1 }], currency }, wish.key);
      wish.key = '';
      openPage(`/pages/cashier/cashier?number=${order.number}`);
    } catch (reason) {
      if (!isUnreachable(reason)) wish.key = '';
      toast(trouble(reason));
    } finally {
      wish.isBusy = false;
      this.mark();
    }
  },

  mark() {
    const products = this.data.products.map((product) =>
      Object.assign({}, product, { isBusy: wish.isBusy && product.sku === wish.sku }),
    );
    this.setData({ products });
  },

  /** @param {TapEvent} event */
  openOrder(event) {
    const { number, page } = event.currentTarget.dataset;
    openPage(`/pages/${page}/${page}?number=${number}`);
  },
});
