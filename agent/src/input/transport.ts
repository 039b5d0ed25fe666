import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureVersion, TlsOptions } from 'node:tls';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Context } from '../config/plugins/plugin.ts';
import { optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { childSection, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../config/syntax/tree.ts';
import { bool, oneOf, string } from '../config/values.ts';

/** A longer handshake is given up. */
const handshakeMs = 10_000;

const generated = 'the agent makes no certificates: give cert_path and private_key_path';
const version = oneOf('TLSv1_2', 'TLSv1_3');

export const transportTable = {
  title: '<transport tls>',
  doc: 'In a `<source>` that listens. `<transport tcp>` and `<transport udp>` have no parameters that have an effect.',
  params: {
    cert_path: optional(
      string,
      'required with `tls`',
      'PEM file of the certificate, with those between it and the root.',
    ),
    private_key_path: optional(string, 'required with `tls`', 'PEM file of its key.'),
    private_key_passphrase: optional(string, 'none', 'Passphrase of the key.'),
    client_cert_auth: withDefault(bool, false, 'Only clients with a certificate of `ca_path` may connect.'),
    ca_path: optional(string, "the system's", 'PEM file of the authorities of client certificates.'),
    version: optional(version, 'both', 'The one version that is spoken.'),
    min_version: optional(version, '`TLSv1_2`', 'Oldest version that is spoken.'),
    max_version: optional(version, '`TLSv1_3`', 'Newest version that is spoken.'),
    ciphers: optional(string, "Node's", "Ciphers, in OpenSSL's notation."),
  },
  notApplicable: {
    linger_timeout: 'connections are closed in order: what was sent before is read',
    backlog: 'it stands in the `<source>`',
    receive_buffer_size: 'the system adapts the buffers of TCP; that of UDP is as large as the system allows',
    send_keepalive_packet: 'it stands in the `<source>`',
    ensure_fips: 'it depends on the OpenSSL that Node is run with',
  },
  refused: {
    insecure: { why: generated, harmless: ['false'] },
    ca_cert_path: { why: generated },
    ca_private_key_path: { why: generated },
    ca_private_key_passphrase: { why: generated },
    cert_verifier: { why: 'it is a Ruby file' },
    generate_private_key_length: { why: generated },
    generate_cert_country: { why: generated },
    generate_cert_state: { why: generated },
    generate_cert_locality: { why: generated },
    generate_cert_common_name: { why: generated },
    generate_cert_expiration: { why: generated },
    generate_cert_digest: { why: generated },
  },
} satisfies Table;

/** How a socket is secured; the files are read when it starts. */
export interface TlsSettings {
  /** file:line of the section. */
  where: string;
  certPath: string;
  keyPath: string;
  passphrase: string | undefined;
  clientAuth: boolean;
  caPath: string | undefined;
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
  ciphers: string | undefined;
}

export interface Transport {
  protocol: 'tcp' | 'udp' | 'tls';
  tls: TlsSettings | undefined;
}

/** The `<transport PROTOCOL>` of a source; `absent` where it has none. */
export function compileTransport(
  source: ConfigSection,
  allowed: readonly Transport['protocol'][],
  absent: Transport['protocol'],
  context: Context,
): Transport {
  const section = childSection(source, 'transport');
  if (section === undefined) return { protocol: absent, tls: undefined };
  const protocol = allowed.find((name) => name === (section.arg || absent));
  if (protocol === undefined)
    throw configError(section, `<transport ${section.arg}>: known here are ${allowed.join(', ')}`);
  const { settings } = readSection(section, transportTable, context);
  if (protocol !== 'tls') return { protocol, tls: undefined };
  const { cert_path: certPath, private_key_path: keyPath } = settings;
  if (certPath === undefined || keyPath === undefined)
    throw configError(section, '<transport tls>: cert_path and private_key_path are required');
  const tls: TlsSettings = {
    where: placeText(section),
    certPath,
    keyPath,
    passphrase: settings.private_key_passphrase,
    clientAuth: settings.client_cert_auth,
    caPath: settings.ca_path,
    minVersion: nodeVersion(settings.version ?? settings.min_version ?? 'TLSv1_2'),
    maxVersion: nodeVersion(settings.version ?? settings.max_version ?? 'TLSv1_3'),
    ciphers: settings.ciphers,
  };
  if (tls.minVersion > tls.maxVersion) throw configError(section, 'min_version: newer than max_version');
  return { protocol, tls };
}

/** @throws MillraceError CONFIG_INVALID for a file that cannot be read */
export function tlsOptions(settings: TlsSettings): TlsOptions {
  const { passphrase, caPath, ciphers } = settings;
  return {
    cert: fileOf(settings, 'cert_path', settings.certPath),
    key: fileOf(settings, 'private_key_path', settings.keyPath),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(caPath === undefined ? {} : { ca: fileOf(settings, 'ca_path', caPath) }),
    ...(ciphers === undefined ? {} : { ciphers }),
    requestCert: settings.clientAuth,
    rejectUnauthorized: settings.clientAuth,
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    handshakeTimeout: handshakeMs,
    // A client costs a handshake once.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

function nodeVersion(name: 'TLSv1_2' | 'TLSv1_3'): SecureVersion {
  return name === 'TLSv1_2' ? 'TLSv1.2' : 'TLSv1.3';
}

function fileOf({ where }: TlsSettings, name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${where}: ${name}: ${messageOf(cause)}`, { cause });
  }
}
