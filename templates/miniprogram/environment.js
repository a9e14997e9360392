/** What this mini program was rendered for. Nothing here is secret: whoever has the mini program can read it. */

/** Where the portal is, without a slash at the end. Its host must be among the platform's server domains. */
export const SERVER = {{ server }};

/** The acquirer account buyers are logged in to; empty where the merchant has only one. */
export const ACCOUNT = {{ account }};

/** What buyers know the merchant by. */
export const MERCHANT = {{ merchant }};
