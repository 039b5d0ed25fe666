import {
  type Context,
  optional,
  required,
  type SettingsOf,
  type Table,
  withDefault,
} from '../config/plugins/plugin.ts';
import { childSection, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError } from '../config/syntax/tree.ts';
import { bool, integer, string, stringLike, time } from '../config/values.ts';
import type { ConnectionSettings, CredentialSource } from '../ship/connection.ts';

/** Parameters of every output that speaks to AWS. */
export const awsParams = {
  region: optional(string, '`AWS_REGION`', 'AWS region of the stream.'),
  endpoint: optional(
    stringLike(/^https?:\/\/[^\s/]+\/?$/, 'a URL such as https://kinesis.eu-west-1.amazonaws.com'),
    "the region's",
    'Another address of the service.',
  ),
  aws_key_id: optional(string, "the SDK's chain", 'Access key. A role needs none and cannot be copied.'),
  aws_sec_key: optional(string, "the SDK's chain", 'Secret of the access key.'),
  aws_ses_token: optional(string, 'none', 'Session token of a temporary key.'),
  http_proxy: optional(
    stringLike(/^https?:\/\/\S+$/, 'a URL such as http://proxy.example.org:3128'),
    'none',
    'Proxy on the way to the service.',
  ),
  ssl_verify_peer: withDefault(bool, true, "Check the service's certificate."),
  use_fips_endpoint: withDefault(bool, false, "Use the region's FIPS endpoint."),
  use_dualstack_endpoint: withDefault(bool, false, "Use the region's dual-stack (IPv6) endpoint."),
};

const roleName = { role_session_name: withDefault(string, 'millrace-agent', 'Name of the session.') };
const duration = { duration_seconds: optional(integer(900, 43_200), 'an hour', 'How long keys are valid.') };
const policy = { policy: optional(string, 'none', 'JSON policy that narrows the role.') };

/** Sections that say where keys come from; one at most. */
export const credentialTables = {
  assume_role_credentials: {
    title: '<assume_role_credentials>',
    doc: 'Keys of a role, by the keys of the SDK’s chain.',
    params: {
      role_arn: required(string, 'The role.'),
      ...roleName,
      ...duration,
      ...policy,
      external_id: optional(string, 'none', 'What the role asks of other accounts.'),
      sts_region: optional(string, 'as region', 'Region of the token service.'),
      sts_endpoint_url: optional(string, "the region's", 'Another address of the token service.'),
      sts_http_proxy: optional(string, 'none', 'Proxy on the way to the token service.'),
    },
  },
  web_identity_credentials: {
    title: '<web_identity_credentials>',
    doc: 'Keys of a role, by a token in a file (IAM roles for service accounts).',
    params: {
      role_arn: required(string, 'The role.'),
      web_identity_token_file: required(string, 'The file.'),
      ...roleName,
      ...duration,
      ...policy,
    },
  },
  instance_profile_credentials: {
    title: '<instance_profile_credentials>',
    doc: 'Keys of the instance; the SDK’s chain asks it too when nothing else is given.',
    params: {
      retries: withDefault(integer(0, 100), 1, 'Times that the instance is asked again.'),
      http_open_timeout: withDefault(time(100, 60_000), 1_000, 'Longest wait for an answer.'),
    },
    notApplicable: {
      ip_address: 'the address is that of the instance metadata service',
      port: 'the port is that of the instance metadata service',
      http_read_timeout: 'http_open_timeout holds for the whole answer',
      delay: 'each try follows the last at once',
      http_degub_output: 'requests for keys are not logged',
    },
  },
  shared_credentials: {
    title: '<shared_credentials>',
    doc: 'Keys of a profile in a shared credentials file.',
    params: {
      path: optional(string, '`~/.aws/credentials`', 'The file.'),
      profile_name: optional(string, '`AWS_PROFILE`, then `default`', 'The profile.'),
    },
  },
  process_credentials: {
    title: '<process_credentials>',
    doc: 'Keys that a command prints, as with `credential_process` of the AWS CLI.',
    params: { process: required(string, 'The command, run by a shell.') },
  },
} satisfies Record<string, Table>;

export const credentialSections = Object.keys(credentialTables);

type AwsSettings = SettingsOf<typeof awsParams>;

/** @throws MillraceError CONFIG_INVALID without a region, for half a key, for several sources of keys */
export function connectionOf(
  section: ConfigSection,
  settings: AwsSettings,
  requestsInFlightMax: number,
  context: Context,
): ConnectionSettings {
  if (!settings.ssl_verify_peer)
    context.problems.notice(
      section.params.get('ssl_verify_peer') ?? section,
      'ssl_verify_peer: anybody on the way can read and keep what is sent',
    );
  return {
    region: regionOf(section, settings, context),
    endpoint: settings.endpoint,
    credentials: credentialsOf(section, settings, context),
    proxy: settings.http_proxy,
    verifyPeer: settings.ssl_verify_peer,
    fips: settings.use_fips_endpoint,
    dualStack: settings.use_dualstack_endpoint,
    requestsInFlightMax,
  };
}

/** For `agent check`. */
export function credentialsText({ credentials }: ConnectionSettings): string {
  if (credentials === undefined) return "the SDK's credential chain";
  if (!('from' in credentials)) return 'a static key';
  return 'roleArn' in credentials
    ? `keys of ${credentials.roleArn}`
    : `keys from ${credentials.from.replace('_', ' ')}`;
}

function regionOf(section: ConfigSection, settings: AwsSettings, context: Context): string {
  const region = settings.region ?? context.env.AWS_REGION ?? context.env.AWS_DEFAULT_REGION;
  if (region === undefined || region === '')
    throw configError(
      section,
      `region: required in <match> @type ${section.params.get('@type')?.value ?? ''} (or in AWS_REGION)`,
      'name the region of the stream, as in region eu-west-1',
    );
  return region;
}

function credentialsOf(
  section: ConfigSection,
  settings: AwsSettings,
  context: Context,
): CredentialSource | undefined {
  const given = section.children.filter(({ name }) => credentialSections.includes(name));
  const keys = staticKeys(section, settings, context);
  const [first, second] = given;
  if (second)
    throw configError(
      second,
      `<${second.name}>: keys come from <${first?.name}> already`,
      'give one of them',
    );
  if (first && keys)
    throw configError(first, `<${first.name}>: keys are given in aws_key_id already`, 'give one of them');
  return keys ?? sectionKeys(section, context);
}

function sectionKeys(section: ConfigSection, context: Context): CredentialSource | undefined {
  const role = childSection(section, 'assume_role_credentials');
  if (role) {
    const { settings } = readSection(role, credentialTables.assume_role_credentials, context);
    return {
      from: 'assume_role',
      roleArn: settings.role_arn ?? '',
      sessionName: settings.role_session_name,
      externalId: settings.external_id,
      policy: settings.policy,
      durationS: settings.duration_seconds,
      stsRegion: settings.sts_region,
      stsEndpoint: settings.sts_endpoint_url,
      proxy: settings.sts_http_proxy,
    };
  }
  const web = childSection(section, 'web_identity_credentials');
  if (web) {
    const { settings } = readSection(web, credentialTables.web_identity_credentials, context);
    return {
      from: 'web_identity',
      roleArn: settings.role_arn ?? '',
      sessionName: settings.role_session_name,
      tokenFile: settings.web_identity_token_file ?? '',
      policy: settings.policy,
      durationS: settings.duration_seconds,
    };
  }
  const instance = childSection(section, 'instance_profile_credentials');
  if (instance) {
    const { settings } = readSection(instance, credentialTables.instance_profile_credentials, context);
    return { from: 'instance_profile', retries: settings.retries, timeoutMs: settings.http_open_timeout };
  }
  const shared = childSection(section, 'shared_credentials');
  if (shared) {
    const { settings } = readSection(shared, credentialTables.shared_credentials, context);
    return { from: 'shared', path: settings.path, profile: settings.profile_name };
  }
  const command = childSection(section, 'process_credentials');
  if (!command) return undefined;
  const { settings } = readSection(command, credentialTables.process_credentials, context);
  return { from: 'process', command: settings.process ?? '' };
}

function staticKeys(
  section: ConfigSection,
  settings: AwsSettings,
  context: Context,
): Extract<CredentialSource, { accessKeyId: string }> | undefined {
  const { aws_key_id: accessKeyId, aws_sec_key: secretAccessKey, aws_ses_token: sessionToken } = settings;
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined)
    throw configError(
      section.params.get('aws_sec_key') ?? section,
      'aws_sec_key: aws_key_id is missing beside it',
    );
  const place = section.params.get('aws_key_id') ?? section;
  if (secretAccessKey === undefined) throw configError(place, 'aws_key_id: aws_sec_key is missing beside it');
  if (settings.endpoint === undefined)
    context.problems.notice(
      place,
      'aws_key_id: works, but a key on a server can be copied: prefer a role (give no key)',
    );
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
