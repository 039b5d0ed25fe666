import { signal } from '@preact/signals';
import { ApiError, getJson, sendJson, setCsrfToken } from '../api/client.ts';
import type { MeAnswer } from '../api/types.ts';
import { columnName } from '../list/values.ts';

/** Who asks, and what they may; undefined until it is known, or where the server has no notion of it. */
export const me = signal<MeAnswer | undefined>(undefined);

export async function readMe(): Promise<void> {
  try {
    const answer = await getJson<MeAnswer>('api/v1/me', {});
    setCsrfToken(answer.csrf ?? undefined);
    me.value = answer;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** False only when the server said that it is not allowed. */
export function may(scope: string): boolean {
  return me.value?.scopes.includes(scope) !== false;
}

/** False for fields that are hidden from who asks: a request that names one is refused as a whole. */
export function maySee(field: string): boolean {
  const names = [field, columnName(field), field.replace(/^log\./, '')];
  return !(me.value?.redact ?? []).some((hidden) =>
    names.some((name) => name === hidden || name.startsWith(`${hidden}.`)),
  );
}

/** True when nobody is logged in where somebody could. */
export function needsLogin(): boolean {
  return me.value?.login != null && me.value.logout === null && me.value.subject === null;
}

/** Where to log in, with the way back to what is shown. */
export function loginAddress(): string {
  return `${me.value?.login ?? 'login'}?to=${encodeURIComponent(location.pathname + location.search)}`;
}

export async function logout(): Promise<void> {
  const { to } = await sendJson<{ to: string }>('POST', me.value?.logout ?? 'logout');
  location.assign(to);
}
