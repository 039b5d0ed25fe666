import type { Seals } from './session.ts';

/** A login that was begun, until the provider sends the browser back. */
interface Begun extends Record<string, unknown> {
  state: string;
  nonce: string;
  verifier: string;
  /** Path of the page to go back to. */
  to: string;
}

/** Browsers drop cookies of more than 4,096 bytes, their names counted. */
const cookieUnitsMax = 3_900;

/** As a text for a cookie. A way back that is too long for one ends on the page, for without the cookie no login ends. */
export async function begunText(seals: Seals, begun: Begun, home: string, untilMs: number): Promise<string> {
  const text = await seals.seal('login', begun, untilMs);
  return text.length <= cookieUnitsMax ? text : seals.seal('login', { ...begun, to: home }, untilMs);
}
