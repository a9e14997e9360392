/**
 * The two calls of Alipay+ that no published type package has.
 *
 * Both need base library (Appx) 1.24.6 or newer. Sources:
 * https://miniprogram.alipay.com/docs/miniprogram/mpdev/api_alipay-connect_getsiteinfo and
 * https://miniprogram.alipay.com/docs-alipayconnect/miniprogram_alipayconnect/mpdev/api_openapi_signcontract
 *
 * Beside the `@mini-types/*` packages keep this file, and remove `platform.d.ts`.
 */
declare namespace my {
  interface SiteInfo {
    /** The wallet the mini program runs in: `GCASH`, `ALIPAY_HK` … It comes from the phone; the server decides on it. */
    siteName: string;
  }

  interface SignContractSuccess {
    /** Single use, for the token exchange only; no login code. */
    authCode: string;
    /** The value our server sent when it asked for the URL. */
    authState: string;
  }

  /** Documented as `errMessage`; most other calls write `errorMessage`. Documented as text, met as a number. */
  interface SignContractFailure {
    error?: string | number;
    errMessage?: string;
    errorMessage?: string;
  }

  function getSiteInfo(options: {
    success?(result: SiteInfo): void;
    fail?(reason: SignContractFailure): void;
    complete?(): void;
  }): void;

  function signContract(options: {
    /** The authorization URL as our server answered it, unmodified. */
    signStr: string;
    success?(result: SignContractSuccess): void;
    fail?(reason: SignContractFailure): void;
    complete?(): void;
  }): void;
}
