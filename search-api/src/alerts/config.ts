import { type Static, Type } from 'typebox';

const ms = (byDefault: number, minimum: number, maximum: number) =>
  Type.Integer({ default: byDefault, minimum, maximum });

/** `alerts` of search-api.json. */
export const AlertsConfigSchema = Type.Object(
  {
    /** false: this server evaluates none, it only keeps them. */
    evaluate: Type.Boolean({ default: true }),
    /**
     * Where notices may be sent: `hooks.slack.com`, `*.example.com`, `http://pager.internal:8080`. Without a scheme
     * https is meant, without a port that of the scheme. Others are refused, or whoever makes alerts could make this
     * server ask anything of its network.
     */
    allowed_hosts: Type.Array(
      Type.String({ pattern: '^(https?://)?(\\*\\.)?[A-Za-z0-9_.-]{1,253}(:\\d{1,5})?$' }),
      { default: [], maxItems: 100 },
    ),
    /** SNS topics that notices may be published to, by ARN; `*` is any text. */
    allowed_topics: Type.Array(Type.String({ pattern: '^arn:[A-Za-z0-9:*._-]{1,400}$' }), {
      default: [],
      maxItems: 100,
    }),
    /** Alerts there may be. */
    max: Type.Integer({ default: 500, minimum: 1, maximum: 10_000 }),
    /** Values of `group_by` that one evaluation looks at, the most frequent first. */
    groups_max: Type.Integer({ default: 100, minimum: 1, maximum: 1_000 }),
    /** Windows end so long before the present: events take a while from the line to the index. */
    delay_ms: ms(30_000, 0, 3_600_000),
    /** How often is looked which alerts are due. */
    tick_ms: ms(5_000, 100, 60_000),
    /** Who evaluates is taken over from after so long without a sign of it. */
    lease_ms: ms(20_000, 1_000, 600_000),
    /** Evaluations that were missed and are made up for, of one alert. */
    catch_up_max: Type.Integer({ default: 60, minimum: 0, maximum: 10_000 }),
    /** Alerts evaluated at a time. */
    parallel: Type.Integer({ default: 4, minimum: 1, maximum: 64 }),
    /** A notice that was not taken within this time has failed. */
    notice_timeout_ms: ms(10_000, 100, 60_000),
    /** Tries of one notice, with growing pauses of up to ten minutes. */
    notice_attempts_max: Type.Integer({ default: 8, minimum: 1, maximum: 100 }),
  },
  { additionalProperties: false, default: {} },
);

export type AlertsConfig = Static<typeof AlertsConfigSchema>;
