import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import { assertOwner, KeptObjects } from '../saved/kept.ts';
import { type Alert, type AlertContent, accessOf, keptAccess, maySee } from './alert.ts';
import { assertAllowed } from './allow.ts';
import type { AlertsConfig } from './config.ts';
import { assertAskable, questionFor } from './question.ts';
import type { AlertState } from './state.ts';

export const stateKind = 'alert_state';

/** What lies in the store. */
type Value = AlertContent & Pick<Alert, 'owner' | 'access' | 'updated'>;

/** Alerts, in the store; their state is in objects of its own, which only evaluators write. */
export class AlertBook {
  readonly #kept: KeptObjects<Value>;
  readonly #store: Store;
  readonly #config: AlertsConfig;
  readonly #clock: Clock;

  constructor(store: Store, config: AlertsConfig, clock: Clock) {
    const route = '/api/v1/alerts';
    const kind = {
      kind: 'alert',
      what: 'alert',
      all: 'alerts',
      route,
      max: config.max,
      maxKey: 'alerts.max',
    };
    this.#kept = new KeptObjects(store.objects, kind, clock);
    this.#store = store;
    this.#config = config;
    this.#clock = clock;
  }

  all(signal?: AbortSignal): Promise<Alert[]> {
    return this.#kept.list(signal);
  }

  async list(access: Access, signal?: AbortSignal): Promise<Alert[]> {
    return (await this.all(signal)).filter((alert) => maySee(access, alert));
  }

  /** @throws Refused 404, also for what is not for the asker to see */
  async get(id: string, access: Access, signal?: AbortSignal): Promise<Alert> {
    const alert = await this.#kept.get(id, signal);
    if (!maySee(access, alert)) throw this.#kept.missing();
    return alert;
  }

  async state(id: string, signal?: AbortSignal): Promise<AlertState | undefined> {
    const found = await this.#store.objects.get(stateKind, id, signal);
    return found?.value as AlertState | undefined;
  }

  /** @throws MillraceError QUERY_INVALID, Refused 403, 409 */
  async add(content: AlertContent, access: Access): Promise<Alert> {
    await this.#check(content, access);
    return this.#kept.add({ ...content, ...this.#by(access) });
  }

  /** @throws MillraceError QUERY_INVALID, Refused 403, 404, 409 */
  async replace(id: string, content: AlertContent, access: Access, expect?: string): Promise<Alert> {
    const before = await this.get(id, access);
    assertOwner(access, before.owner, 'alert');
    // Changed by somebody else, it goes on seeing what its owner saw.
    const isOwn = before.owner === access.subject;
    await this.#check(content, isOwn ? access : accessOf(before));
    this.#kept.assertChangeable(before, access, expect);
    const by = isOwn ? this.#by(access) : { ...this.#by(access), ...ownerOf(before) };
    const alert = await this.#kept.put(id, { ...content, ...by }, before.version);
    // What it missed while it was off is nothing to be made up for.
    if (content.enabled && !before.enabled) await this.#store.objects.delete(stateKind, id);
    return alert;
  }

  /** @throws Refused 403, 404, 409 */
  async delete(id: string, access: Access, expect?: string): Promise<void> {
    const before = await this.get(id, access);
    this.#kept.assertChangeable(before, access, expect);
    await this.#kept.delete(before);
    await this.#store.objects.delete(stateKind, id);
  }

  async #check(content: AlertContent, access: Access): Promise<void> {
    for (const notify of content.notify) assertAllowed(notify, this.#config);
    const question = await questionFor(this.#store, content, access);
    assertAskable(content, question, access, this.#clock.now());
  }

  #by(access: Access): Pick<Alert, 'owner' | 'access' | 'updated'> {
    const updated = new Date(this.#clock.now()).toISOString();
    return { owner: access.subject, access: keptAccess(access), updated };
  }
}

function ownerOf({ owner, access }: Alert): Pick<Alert, 'owner' | 'access'> {
  return { owner, access };
}
