import { act, get } from '../../api.js';
import { paymentMethods } from '../../methods.js';
import { freshKey } from '../../platform.js';
import { contents, money, progress, trouble } from '../../words.js';

const TONES = 4;
const LATEST = 5;

Page({
  title: 'Kape & Co',
  data: { isLoading: true, isReady: false, failure: '', products: [], orders: [], buying: '' },

  onShow() {
    this.refresh();
  },

  /** Products at their price in the money of this wallet, and the latest orders. */
  async refresh() {
    try {
      const { here } = await paymentMethods();
      if (!here) {
        this.setData({ isLoading: false, isReady: false, failure: 'We do not sell in this wallet yet. Sorry!' });
        return;
      }
      const [{ items: products }, { items: orders }] = await Promise.all([
        get(`/products?currency=${here.currency}`),
        get(`/orders?limit=${LATEST}`),
      ]);
      this.setData({
        isLoading: false,
        isReady: true,
        failure: '',
        isEmpty: products.length === 0,
        currency: here.currency,
        products: products.map((product, index) => ({
          ...product,
          price: product.prices[0].display,
          currency: product.prices[0].currency,
          tone: `tone-${index % TONES}`,
          initial: product.name.slice(0, 1),
          isBusy: false,
        })),
        hasOrders: orders.length > 0,
        orders: orders.map((order) => ({
          number: order.number,
          what: contents(order),
          amount: money(order.amount),
          ...progress(order),
          isOpen: order.status === 'INIT' && order.payment?.status !== 'PENDING',
        })),
      });
    } catch (reason) {
      const failure = trouble(reason);
      this.setData({ isLoading: false, failure, isReady: false });
    }
  },

  retry() {
    this.setData({ isLoading: true, failure: '' });
    this.refresh();
  },

  /** Place an order for one piece; the price is the server's. A second tap finds the first one still going. */
  async buy({ currentTarget }) {
    const { sku } = currentTarget.dataset;
    if (this.data.buying) return;
    if (this.wish?.sku !== sku) this.wish = { sku, key: freshKey() };
    this.setData({ buying: sku, products: this.marked(sku) });
    try {
      const wanted = { items: [{ sku, quantity: 1 }], currency: this.data.currency };
      const order = await act('/orders', wanted, this.wish.key);
      this.wish = null;
      my.navigateTo({ url: `/pages/cashier/cashier?number=${order.number}` });
    } catch (reason) {
      my.showToast({ content: trouble(reason) });
    } finally {
      this.setData({ buying: '', products: this.marked('') });
    }
  },

  marked(sku) {
    return this.data.products.map((product) => ({ ...product, isBusy: product.sku === sku }));
  },

  openOrder({ currentTarget }) {
    const { number, open } = currentTarget.dataset;
    const page = open === 'true' ? 'cashier/cashier' : 'result/result';
    my.navigateTo({ url: `/pages/${page}?number=${number}` });
  },
});
