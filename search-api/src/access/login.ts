import type { Clock } from '@millrace/core/runtime/clock.ts';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { failure, Refused } from '../failure.ts';
import { begunText } from './begun.ts';
import { type Claims, claimOf, nameOf, roleOf } from './claims.ts';
import type { OidcConfig, RoleConfig } from './config.ts';
import type { Seals } from './session.ts';

export interface LoginOptions {
  oidc: OidcConfig;
  clientSecret: string | undefined;
  /** Where the provider sends browsers back to. */
  callback: string;
  /** The page. */
  home: string;
  seals: Seals;
  clock: Clock;
}

/** Who logged in, what they are, and where they wanted to go. */
export interface LoggedIn {
  subject: string;
  role: RoleConfig;
  to: string;
}

/** A login that was begun lives so long. */
export const loginMsMax = 600_000;
const providerSecondsMax = 10;

/** OpenID Connect: authorization code with PKCE, state and nonce. What is begun is kept in the browser, encrypted. */
export class Login {
  readonly #options: LoginOptions;
  #provider: Promise<Configuration> | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Where to send the browser, and what it must bring back. `to`: a path of the page. */
  async begin(to: string): Promise<{ url: string; begun: string }> {
    const { oidc, callback, home, seals, clock } = this.#options;
    const provider = await this.#configuration();
    const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
    const url = buildAuthorizationUrl(provider, {
      redirect_uri: callback,
      scope: oidc.scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const untilMs = clock.now() + loginMsMax;
    const begun = await begunText(seals, { state, nonce, verifier, to }, new URL(home).pathname, untilMs);
    return { url: url.href, begun };
  }

  /**
   * `query`: what the provider sent the browser back with. `begun`: what this browser was given at the beginning;
   * without it somebody else began this login.
   * @throws Refused 400, 403, 503
   */
  async finish(query: string, begun: string | undefined): Promise<LoggedIn> {
    const { oidc, callback, seals } = this.#options;
    const content = begun === undefined ? undefined : await seals.open('login', begun);
    if (content === undefined)
      throw refused(
        400,
        'this login was not begun in this browser, or too long ago',
        'begin again at /login',
      );
    const provider = await this.#configuration();
    const claims = await this.#claims(provider, new URL(`${callback}${query}`), content);
    const role = roleOf(claims, oidc);
    if (role === undefined)
      throw refused(403, 'you are known, but have no role here', 'ask whoever runs Millrace to give you one');
    return { subject: `user:${nameOf(claims, oidc)}`, role, to: String(content.to) };
  }

  /** Where the provider ends its own session; undefined: it has no such place. */
  async logoutUrl(): Promise<string | undefined> {
    const { home } = this.#options;
    const provider = await this.#configuration().catch(() => undefined);
    if (provider?.serverMetadata().end_session_endpoint === undefined) return undefined;
    return buildEndSessionUrl(provider, { post_logout_redirect_uri: home }).href;
  }

  async #claims(provider: Configuration, url: URL, content: Record<string, unknown>): Promise<Claims> {
    const { oidc } = this.#options;
    try {
      const tokens = await authorizationCodeGrant(provider, url, {
        pkceCodeVerifier: String(content.verifier),
        expectedState: String(content.state),
        expectedNonce: String(content.nonce),
        idTokenExpected: true,
      });
      const claims: Claims = { ...tokens.claims() };
      const hasUserInfo = provider.serverMetadata().userinfo_endpoint !== undefined;
      if (!hasUserInfo || claimOf(claims, oidc.roles_claim) !== undefined) return claims;
      return { ...(await fetchUserInfo(provider, tokens.access_token, String(claims.sub))), ...claims };
    } catch (error) {
      throw failedLogin(error);
    }
  }

  /** A provider that did not answer is asked again by the next login. */
  #configuration(): Promise<Configuration> {
    this.#provider ??= this.#discover().catch((error: unknown) => {
      this.#provider = undefined;
      throw failedLogin(error);
    });
    return this.#provider;
  }

  async #discover(): Promise<Configuration> {
    const { oidc, clientSecret } = this.#options;
    const issuer = new URL(oidc.issuer);
    // The configuration lets http through for loopback only.
    const execute = issuer.protocol === 'http:' ? [allowInsecureRequests] : [];
    const authentication = clientSecret === undefined ? None() : ClientSecretBasic(clientSecret);
    return await discovery(issuer, oidc.client_id, {}, authentication, {
      execute,
      timeout: providerSecondsMax,
    });
  }
}

/** What the provider says is for the log; a browser is told which of three it was. */
function failedLogin(error: unknown): Refused {
  const refusal = (status: number, message: string, hint: string) => {
    const made = refused(status, message, hint);
    made.cause = error;
    return made;
  };
  if (error instanceof Refused) return error;
  if (error instanceof AuthorizationResponseError)
    return refusal(403, 'the login provider refused the login', 'begin again at /login');
  const { code } = error as { code?: unknown };
  const isAway =
    error instanceof TypeError || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
  if (isAway) return refusal(503, 'the login provider does not answer', 'try again in a moment');
  return refusal(400, 'the login failed', 'begin again at /login; the log of search-api has the reason');
}

function refused(status: number, message: string, hint: string): Refused {
  const code = status === 403 ? 'FORBIDDEN' : status === 503 ? 'LOGIN_UNAVAILABLE' : 'REQUEST_INVALID';
  return new Refused(failure(status, 'login_failed', code, message, hint));
}
