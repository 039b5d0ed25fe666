import type { ConsumerConfig } from '../config.ts';

/**
 * The MultiLangDaemon's properties file. Two of its habits shape this list: a value that equals the Java default
 * (0, false) is taken for "not set", and what is not set is often not what one wants.
 */
export function daemonProperties(config: ConsumerConfig, workerId: string): string {
  const { stream, leases } = config;
  const properties: Record<string, string | number> = {
    // Split at spaces and run in the daemon's working folder, the state folder: so no path is in it.
    executableName: `/bin/sh ${launcherName}`,
    processingLanguage: `nodejs/${process.versions.node}`,
    applicationName: config.application,
    streamName: stream.name,
    regionName: stream.region,
    workerId,
    AwsCredentialsProvider: 'DefaultCredentialsProvider',
    // The default is enhanced fan-out, a consumer that is billed and that stand-ins do not have.
    ...(stream.fan_out
      ? { retrievalMode: 'FANOUT' }
      : { retrievalMode: 'POLLING', idleTimeBetweenReadsInMillis: stream.read_interval_ms }),
    // For the lease table and the reader; without it the reader begins at LATEST and skips what came before.
    initialPositionInStream: 'TRIM_HORIZON',
    // A checkpoint can only be sent inside a call: a quiet shard would never get its last one.
    callProcessRecordsEvenForEmptyRecordList: 'true',
    // Unset means 0, and then a graceful shutdown waits for nothing.
    shutdownGraceMillis: config.drain_ms + shutdownMarginMs,
    failoverTimeMillis: leases.failover_ms,
    maxLeasesForWorker: leases.shards_max,
    metricsLevel: 'NONE',
    ...(stream.endpoint ? { kinesisEndpoint: stream.endpoint } : {}),
    ...(leases.endpoint ? { dynamoDBEndpoint: leases.endpoint } : {}),
  };
  const lines = Object.entries(properties).map(([key, value]) => `${key} = ${escaped(String(value))}`);
  return `${lines.join('\n')}\n`;
}

/** The launcher script's name in the state folder. */
export const launcherName = 'shard.sh';

/** Between what a shard may take to drain and what the daemon waits for it. */
export const shutdownMarginMs = 8_000;

/** A script that becomes the shard's process: paths with spaces survive in it, in executableName they do not. */
export function launcherScript(command: string[]): string {
  return `#!/bin/sh\nexec ${command.map(quoted).join(' ')}\n`;
}

/** The daemon logs to stderr. It prints its children's lines there too, besides logging each as an error. */
export const logbackXml = `<configuration>
  <appender name="daemon" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%-5level %logger{0}: %msg%n%ex{3}</pattern></encoder>
  </appender>
  <logger name="software.amazon.kinesis.multilang.DrainChildSTDERRTask" level="OFF"/>
  <logger name="software.amazon.kinesis" level="INFO"/>
  <root level="WARN"><appender-ref ref="daemon"/></root>
</configuration>
`;

/** Java's properties syntax: a backslash escapes, also itself. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replace(/[^\x20-\x7e]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
