import { Aws } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Settings } from '../settings/schema.ts';
import { type StoreStack, storeRights } from '../stacks/store.ts';
import type { SecretText } from './task.ts';

/** How a program gets at the store: the `store` of its configuration, secrets in it, and rights. */
export interface StoreAccess {
  store: Record<string, unknown>;
  secrets: Record<string, SecretText>;
  rights: PolicyStatement[];
  /** The domain's name; undefined for a store that is there already. */
  domain: string | undefined;
}

/** `domain` undefined: the one that the settings name. */
export function storeAccess(settings: Settings, domain: StoreStack | undefined): StoreAccess {
  const { existing } = settings.store;
  if (domain !== undefined)
    return {
      store: {
        type: 'opensearch',
        node: domain.endpoint,
        auth: { type: 'aws', region: Aws.REGION, service: 'es' },
        // With standby each index has a copy in each zone, or the domain refuses to make it.
        ...(settings.store.domain.standby ? { index: { replicas: 2 } } : {}),
      },
      secrets: {},
      rights: [storeRights(domain.domain.attrArn)],
      domain: domain.prefix,
    };
  if (existing === undefined) throw new Error('neither a domain nor another store');
  const fields = existing.secret === 'api_key' ? ['api_key'] : ['username', 'password'];
  const nameOf = (field: string) => `STORE_${field.toUpperCase()}`;
  return {
    store: {
      type: existing.type,
      node: existing.node,
      auth: Object.fromEntries(fields.map((field) => [field, { $env: nameOf(field) }])),
    },
    secrets: Object.fromEntries(
      fields.map((field) => [
        nameOf(field),
        {
          arn: existing.secret_arn,
          field,
          keyArns: existing.secret_key_arn ? [existing.secret_key_arn] : [],
        },
      ]),
    ),
    rights: [],
    domain: undefined,
  };
}
