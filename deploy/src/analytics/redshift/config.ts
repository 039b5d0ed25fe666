import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { type Static, Type } from 'typebox';

/** What the function is told, by its environment: one variable each. */
export const LoaderConfigSchema = Type.Object(
  {
    MILLRACE_BUCKET: Type.String({ minLength: 3, description: 'The archive bucket' }),
    MILLRACE_PREFIX: Type.String({
      default: '',
      pattern: '^(?:.*/)?$',
      description: '`archive.prefix` of the consumer',
    }),
    MILLRACE_COPY_ROLE_ARN: Type.String({
      pattern: '^arn:[^:]+:iam::\\d{12}:role/.+$',
      description: 'The role by which the warehouse reads the bucket',
    }),
    MILLRACE_DATABASE: Type.String({ minLength: 1 }),
    MILLRACE_SCHEMA: Type.String({ default: 'public', minLength: 1 }),
    MILLRACE_WORKGROUP: Type.Optional(Type.String({ description: 'Redshift Serverless: name or ARN' })),
    MILLRACE_CLUSTER: Type.Optional(Type.String({ description: 'A provisioned cluster' })),
    MILLRACE_SECRET_ARN: Type.Optional(Type.String({ description: 'Instead of the role of the function' })),
  },
  { additionalProperties: false },
);

export type LoaderConfig = Static<typeof LoaderConfigSchema>;

/** @throws MillraceError CONFIG_INVALID, with the variable */
export function readLoaderConfig(env: Record<string, string | undefined>): LoaderConfig {
  const own = Object.entries(env).filter(
    ([name, value]) => name.startsWith('MILLRACE_') && value !== undefined,
  );
  const config = validateConfig(LoaderConfigSchema, Object.fromEntries(own), 'environment');
  if ((config.MILLRACE_WORKGROUP === undefined) === (config.MILLRACE_CLUSTER === undefined))
    throw new MillraceError(
      'CONFIG_INVALID',
      'environment: one of MILLRACE_WORKGROUP and MILLRACE_CLUSTER is needed',
      {
        hint: 'MILLRACE_WORKGROUP for Redshift Serverless, MILLRACE_CLUSTER for a provisioned cluster',
      },
    );
  return config;
}
