import { type Static, Type } from 'typebox';

/** `tail` of search-api.json. */
export const TailConfigSchema = Type.Object(
  {
    /** Who may watch at a time; more are answered 429. */
    viewers_max: Type.Integer({ default: 500, minimum: 1, maximum: 100_000 }),
    /** The store is asked so often for what is new, once for all who watch the same streams. */
    poll_ms: Type.Integer({ default: 400, minimum: 50, maximum: 60_000 }),
    /**
     * How much later than it was stamped an event may come to be seen: more than the store's refresh interval and the
     * difference of the consumers' clocks together. What comes later is counted, and not sent.
     */
    window_ms: Type.Integer({ default: 5_000, minimum: 1_000, maximum: 60_000 }),
    /** Events, and bytes of them, that wait for a viewer who reads slowly; of more, the oldest are left out. */
    ring_events: Type.Integer({ default: 2_000, minimum: 1, maximum: 100_000 }),
    ring_bytes: Type.Integer({ default: 4_194_304, minimum: 65_536, maximum: 2 ** 30 }),
    /** Events that arrived during a pause and are delivered when it ends: the newest. */
    resume_max: Type.Integer({ default: 5_000, minimum: 0, maximum: 9_999 }),
    /** A viewer is told that all is well at least so often. */
    heartbeat_ms: Type.Integer({ default: 10_000, minimum: 1_000, maximum: 300_000 }),
  },
  { additionalProperties: false, default: {} },
);

export type TailConfig = Static<typeof TailConfigSchema>;
