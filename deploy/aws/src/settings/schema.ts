import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
/** An object whose keys all have defaults may be left out whole. */
const optionalGroup = { ...closed, default: {} } as const;
const integer = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ default: fallback, minimum, maximum });
const Arn = (service: string) => Type.String({ pattern: `^arn:aws[a-z-]*:${service}:[^\\s]{1,1000}$` });
/** A key, not an alias: rights of IAM are for keys. */
const KeyArn = Type.String({ pattern: '^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]{1,100}$' });
const Cidr = Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$', maxLength: 18 });
const Sha256 = Type.String({ pattern: '^[\\da-f]{64}$' });

/** Tasks of a service: CPU units and MiB as Fargate offers them. */
const task = (cpu: number, memory: number, min: number, max: number) => ({
  cpu: Type.Union(
    [512, 1024, 2048, 4096, 8192, 16_384].map((units) => Type.Literal(units)),
    { default: cpu },
  ),
  memory_mb: integer(memory, 1024, 122_880),
  tasks_min: integer(min, 1, 1_000),
  tasks_max: integer(max, 1, 1_000),
});

/** A domain of Amazon OpenSearch Service that is made here. */
const DomainSchema = Type.Object(
  {
    version: Type.String({ default: 'OpenSearch_2.19', pattern: '^OpenSearch_\\d+\\.\\d+$' }),
    /** `…search` types of the current generation. */
    data_type: Type.String({ default: 'm7g.large.search', pattern: '^[a-z0-9]+\\.[a-z0-9]+\\.search$' }),
    /** A multiple of three: one zone may be lost. */
    data_nodes: Type.Integer({ default: 3, minimum: 3, maximum: 198, multipleOf: 3 }),
    /** EBS (gp3) of each data node. */
    disk_gb: integer(200, 20, 24_576),
    /** Dedicated masters; without, data nodes elect one among themselves. */
    masters: Type.Boolean({ default: true }),
    master_type: Type.String({ default: 'm7g.large.search', pattern: '^[a-z0-9]+\\.[a-z0-9]+\\.search$' }),
    /** Multi-AZ with standby: a third of the nodes only waits. Each index has three copies. */
    standby: Type.Boolean({ default: false }),
  },
  optionalGroup,
);

/** A store that is there already. It has to be reachable from the VPC. */
const ExistingStoreSchema = Type.Object(
  {
    type: Type.Union([Type.Literal('elasticsearch'), Type.Literal('opensearch')]),
    node: Type.Array(Type.String({ pattern: '^https://[^\\s@]+$', maxLength: 1024 }), {
      minItems: 1,
      maxItems: 20,
    }),
    /** Secrets Manager, JSON: `{"api_key": "…"}`, or `{"username": "…", "password": "…"}`. */
    secret_arn: Arn('secretsmanager'),
    /** Which of them it has. */
    secret: Type.Union([Type.Literal('api_key'), Type.Literal('password')], { default: 'api_key' }),
    /** The key of KMS that encrypts the secret, unless it is the account's own for Secrets Manager. */
    secret_key_arn: Type.Optional(KeyArn),
  },
  closed,
);

/** Of a provisioned stream; docs/shards.md says when it goes up and down. */
const AutoscaleSchema = Type.Object(
  {
    min: Type.Integer({ minimum: 1, maximum: 10_000 }),
    max: Type.Integer({ minimum: 1, maximum: 10_000 }),
    /** Of what shards take, at the busiest minute. */
    target_percent: integer(60, 10, 95),
    every_minutes: integer(5, 2, 60),
  },
  closed,
);

export type Autoscale = Static<typeof AutoscaleSchema>;

/** A warehouse that is there already: a workgroup of Redshift Serverless, or a cluster. */
const RedshiftSchema = Type.Object(
  {
    /** Of this account and region: checked where credentials say which these are. */
    workgroup_arn: Type.Optional(
      Type.String({
        pattern: '^arn:aws[a-z-]*:redshift-serverless:[a-z0-9-]+:\\d{12}:workgroup/[\\da-f-]{36}$',
      }),
    ),
    /** Identifier of a cluster in this account and region. */
    cluster: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' })),
    database: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_$-]{0,63}$' }),
    /** Where redshift/schema.sql was run. */
    schema: Type.String({ default: 'public', minLength: 1, maxLength: 127 }),
    /** A role that the warehouse has, by which COPY reads the bucket: give it the policy `CopyPolicy`. */
    copy_role_arn: Type.String({ pattern: '^arn:aws[a-z-]*:iam::\\d{12}:role/[^\\s]{1,512}$' }),
  },
  closed,
);

/** One stage of Millrace on AWS: `-c stage=NAME`, `stages/NAME.json`, and `-c settings=FILE` laid over it. */
export const SettingsSchema = Type.Object(
  {
    stage: Type.Union([Type.Literal('dev'), Type.Literal('qa'), Type.Literal('prod')]),
    /** Tags of everything, for cost reports, besides `millrace:stage` and `millrace:part`. */
    tags: Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.String({ maxLength: 256 }), {
      default: {},
      maxProperties: 30,
    }),
    /**
     * What holds data (stream, tables, bucket, domain) survives the deletion of its stack and refuses its own. Without,
     * buckets and repositories are emptied when their stack is deleted, which is refused in prod.
     */
    keep_data: Type.Boolean({ default: true }),
    log_days: Type.Union(
      [7, 14, 30, 60, 90, 180, 365].map((days) => Type.Literal(days)),
      { default: 30 },
    ),
    network: Type.Object(
      {
        /** /16 to /20: three subnets of a thousand addresses each. */
        cidr: Type.String({ default: '10.60.0.0/16', pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$' }),
        /** Three zones of the region, where its first three will not do: some have no nodes of `data_type`. For good. */
        zones: Type.Optional(
          Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,40}[a-z]$' }), {
            minItems: 3,
            maxItems: 3,
            uniqueItems: true,
          }),
        ),
        /** None is needed but for what lies outside of AWS: a store, an OpenID issuer, webhooks of alerts. */
        nat_gateways: integer(0, 0, 3),
      },
      optionalGroup,
    ),
    images: Type.Object(
      {
        /** Tag of the images in the repositories of this stage. */
        version: Type.String({ default: '0.1.0', pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$' }),
        /** `sha256:…` of an image, in place of the tag. */
        digests: Type.Object(
          Object.fromEntries(
            (['consumer', 'search-api', 'agent', 'tools'] as const).map((name) => [
              name,
              Type.Optional(Type.String({ pattern: '^sha256:[\\da-f]{64}$' })),
            ]),
          ),
          optionalGroup,
        ),
        architecture: Type.Union([Type.Literal('ARM64'), Type.Literal('X86_64')], { default: 'ARM64' }),
      },
      optionalGroup,
    ),
    stream: Type.Object(
      {
        mode: Type.Union([Type.Literal('on_demand'), Type.Literal('provisioned')], { default: 'on_demand' }),
        /** Of a provisioned stream when it is made; `millrace shards` changes it later. */
        shards: integer(2, 1, 10_000),
        /** `millrace shards auto` on a schedule; absent: people change the shards. */
        autoscale: Type.Optional(AutoscaleSchema),
        retention_hours: integer(168, 24, 8_760),
      },
      optionalGroup,
    ),
    archive: Type.Object(
      {
        /** Days until objects go to Glacier Instant Retrieval, which is read as they are; 0: never. */
        instant_after_days: integer(30, 0, 36_500),
        /**
         * Days until objects go to Deep Archive. They have to be restored before search, replay and filler can read
         * them; 0: never.
         */
        deep_after_days: integer(0, 0, 36_500),
        /** Days until objects are deleted; 0: never. */
        expire_after_days: integer(0, 0, 36_500),
        /** Days that older versions of an object are kept, which is how long a deletion can be undone. */
        versions_days: integer(30, 1, 3_650),
      },
      optionalGroup,
    ),
    store: Type.Object(
      {
        domain: DomainSchema,
        /** In place of a domain of our own. */
        existing: Type.Optional(ExistingStoreSchema),
      },
      optionalGroup,
    ),
    /** Days in the store. */
    hot_days: integer(7, 1, 36_500),
    consumer: Type.Object(task(2048, 8192, 2, 8), optionalGroup),
    /** Events by fields and minute as metrics, docs/counters.md; absent: none. Fields are checked by the consumer. */
    counters: Type.Optional(
      Type.Object(
        {
          dimensions: Type.Array(
            Type.Array(Type.String({ pattern: '^[A-Za-z0-9_@][A-Za-z0-9_.@/-]{0,99}$' }), {
              minItems: 1,
              maxItems: 5,
            }),
            { default: [['tag', 'status']], minItems: 1, maxItems: 5 },
          ),
          /** Of each consumer; each is billed as a metric. */
          series_max: integer(200, 1, 10_000),
        },
        closed,
      ),
    ),
    search_api: Type.Object(
      {
        ...task(1024, 4096, 2, 6),
        /** Internet-facing, behind WAF. Not to be changed later: it would be another load balancer (docs/aws.md). */
        public: Type.Boolean({ default: false }),
        /** Networks that reach the load balancer: besides the VPC, or in place of everybody where it is public. */
        from: Type.Array(Cidr, { default: [], maxItems: 50 }),
        /** Certificate of ACM. Without one it speaks HTTP, which is refused outside of dev. */
        certificate_arn: Type.Optional(Arn('acm')),
        /** As browsers have it: https://logs.example.com. */
        public_url: Type.Optional(Type.String({ pattern: '^https?://[A-Za-z0-9.:-]{1,300}$' })),
        /** `access` of search-api.json, docs/access.md; checked by the search API when it starts. */
        access: Type.Record(Type.String(), Type.Unknown(), { default: {} }),
        /** Secret with the text that `access.oidc.client_secret_file` is to have. */
        oidc_secret_arn: Type.Optional(Arn('secretsmanager')),
        /** Secret with the session key: the output of `openssl rand -base64 32`. */
        session_key_arn: Type.Optional(Arn('secretsmanager')),
        /** Keys of KMS that encrypt these two, unless they are under the account's own for Secrets Manager. */
        secret_key_arns: Type.Array(KeyArn, { default: [], maxItems: 2 }),
        /** SNS topics that alerts may tell. */
        alert_topics: Type.Array(Arn('sns'), { default: [], maxItems: 20 }),
        /** Keys of KMS that encrypt these topics. */
        alert_topic_key_arns: Type.Array(KeyArn, { default: [], maxItems: 20 }),
      },
      optionalGroup,
    ),
    /** The agent's HTTP and OTLP inputs for devices and browsers; absent: none. */
    gateway: Type.Optional(
      Type.Object(
        {
          ...task(1024, 2048, 2, 10),
          /** As `search_api.public`. */
          public: Type.Boolean({ default: true }),
          /** As `search_api.from`. */
          from: Type.Array(Cidr, { default: [], maxItems: 50 }),
          certificate_arn: Arn('acm'),
          cors_allow_origins: Type.Array(Type.String({ pattern: '^(\\*|https?://[A-Za-z0-9.*:-]+)$' }), {
            default: [],
            maxItems: 100,
          }),
          /** Nobody sends without one of these. */
          keys: Type.Array(
            Type.Object(
              {
                name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
                sha256: Sha256,
                tags: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.*{}, -]{1,256}$' })),
                events_per_second: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
              },
              closed,
            ),
            { minItems: 1, maxItems: 100 },
          ),
        },
        closed,
      ),
    ),
    /** Reports: the consumers write the archive's NDJSON too, Athena reads it, and Redshift loads it; absent: none. */
    analytics: Type.Optional(
      Type.Object(
        {
          /** Streams that Athena finds; a query that names its streams reads less. */
          streams: Type.Array(Type.String({ pattern: '^[a-z0-9_]{1,100}$' }), {
            default: ['logs'],
            minItems: 1,
            maxItems: 1_000,
            uniqueItems: true,
          }),
          /** A query of Athena that would read more is stopped. */
          scan_gb_max: integer(1_000, 1, 7_000_000),
          redshift: Type.Optional(RedshiftSchema),
        },
        closed,
      ),
    ),
    alarms: Type.Object(
      {
        emails: Type.Array(Type.String({ pattern: '^[^\\s@]+@[^\\s@]+$' }), { default: [], maxItems: 20 }),
        /** Events should be in search within this; the other alarm is at a quarter of the stream's retention. */
        behind_minutes: integer(10, 1, 1_440),
        /** How often the ledger is asked for gaps and silent agents. */
        ledger_minutes: integer(60, 10, 1_440),
      },
      optionalGroup,
    ),
  },
  closed,
);

export type Settings = Static<typeof SettingsSchema>;
