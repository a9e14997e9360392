/**
 * As much of the mini program framework as this one uses. There is no DOM, no window and no fetch, and `tsconfig.json`
 * leaves their types out, so a use of them is an error.
 *
 * Source: the framework and API pages of https://miniprogram.alipay.com/docs/miniprogram/mpdev
 */

interface PageLife {
  onLoad?(query: Record<string, string>): void;
  onShow?(): void;
  onReady?(): void;
  onHide?(): void;
  onUnload?(): void;
}

interface PageInstance<D> {
  data: D;
  route: string;
  setData(changes: Partial<D>, done?: () => void): void;
}

interface TapEvent {
  type: string;
  timeStamp: number;
  currentTarget: { dataset: Record<string, string> };
}

interface TypingEvent {
  type: string;
  detail: { value: string };
  currentTarget: { dataset: Record<string, string> };
}

declare function App(definition: { onLaunch?(options: object): void; onShow?(options: object): void }): void;

declare function Page<D extends object, M extends object>(
  definition: { data: D } & M & PageLife & ThisType<PageInstance<D> & M>,
): void;

declare function setTimeout(act: () => void, milliseconds: number): number;

declare const console: { info(...words: unknown[]): void; error(...words: unknown[]): void };

declare namespace my {
  /** What `fail` says. Containers disagree on both spellings and types. */
  interface Failure {
    error?: string | number;
    errorMessage?: string;
    errMessage?: string;
  }

  interface Callbacks<R> {
    success?(result: R): void;
    fail?(reason: Failure): void;
    complete?(): void;
  }

  interface Answer {
    data?: unknown;
    status?: number;
    statusCode?: number;
    headers?: Record<string, string>;
  }

  const SDKVersion: string;

  function canIUse(name: string): boolean;
  function getSystemInfoSync(): { platform: string; app?: string; language?: string };
  function getAuthCode(options: { scopes: string[] } & Callbacks<{ authCode: string }>): void;
  function request(
    options: {
      url: string;
      method: 'GET' | 'POST';
      headers: Record<string, string>;
      data?: string;
      timeout: number;
      dataType: 'json';
    } & Callbacks<Answer>,
  ): void;

  function navigateTo(options: { url: string }): void;
  function redirectTo(options: { url: string }): void;
  function switchTab(options: { url: string }): void;
  function navigateBack(options: { delta?: number }): void;

  function showToast(options: { content: string; duration?: number }): void;
  function confirm(
    options: {
      title: string;
      content: string;
      confirmButtonText: string;
      cancelButtonText: string;
    } & Callbacks<{ confirm: boolean }>,
  ): void;

  function setStorageSync(options: { key: string; data: unknown }): void;
  function getStorageSync(options: { key: string }): { data: unknown };
  function removeStorageSync(options: { key: string }): void;
}
