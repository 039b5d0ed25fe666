import { Aws } from 'aws-cdk-lib';
import type { Settings } from '../settings/schema.ts';
import { folders } from './image-layout.ts';

export const gatewayPorts = { http: 9880, otlp: 4318, health: 6706 } as const;

/** Idle connections of the load balancer are closed after this, in front and behind. */
export const gatewayIdleSeconds = 120;

/** agent.conf of the gateway: a request is answered when the stream has its events, so that a task may end anywhen. */
export function gatewayConfig(gateway: NonNullable<Settings['gateway']>, stream: string): string {
  const keys = gateway.keys.map(({ name, sha256, tags, events_per_second: rate }) =>
    section('api_key', [
      `name ${name}`,
      `key_sha256 ${sha256}`,
      ...(tags === undefined ? [] : [`tags ${tags}`]),
      ...(rate === undefined ? [] : [`events_per_second ${rate}`]),
    ]),
  );
  const origins = gateway.cors_allow_origins;
  const shared = [
    'ack stream',
    // Longer than the load balancer, which would send requests into connections that end.
    `keepalive_timeout ${gatewayIdleSeconds + 10}s`,
    ...(origins.length === 0 ? [] : [`cors_allow_origins ${JSON.stringify(origins)}`]),
    ...keys,
  ];
  return `${[
    section('system', [
      `state_dir ${folders.state}/agent`,
      'http_host 127.0.0.1',
      `http_port ${gatewayPorts.health}`,
    ]),
    section('source', ['@type http', 'bind 0.0.0.0', `port ${gatewayPorts.http}`, ...shared]),
    section('source', [
      '@type opentelemetry',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the agent's tags
      'tag otlp.${service.name}',
      ...shared,
      section('http', ['bind 0.0.0.0', `port ${gatewayPorts.otlp}`]),
    ]),
    section('match **', [
      '@type kinesis_streams',
      `stream_name ${stream}`,
      `region ${Aws.REGION}`,
      // Within the two minutes that ECS gives.
      'drain_timeout 100s',
    ]),
  ].join('\n')}\n`;
}

function section(head: string, lines: string[]): string {
  const inside = lines.flatMap((line) => line.split('\n')).map((line) => `  ${line}`);
  return [`<${head}>`, ...inside, `</${head.split(' ')[0]}>`].join('\n');
}
