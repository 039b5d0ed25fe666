import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { EngineFiles } from '../fetch.ts';
import { answers } from '../http.ts';
import type { Java } from '../java.ts';
import type { PartSpec } from '../process.ts';

/** What every engine needs to know to run on this machine. */
export interface EngineHost {
  files: EngineFiles;
  java: Java;
  env: NodeJS.ProcessEnv;
}

/** The stream: Kinesis' API on kinesalite, over HTTP/1.1 and HTTP/2, kept in `folder`. */
export function kinesisEngine(host: EngineHost, port: number, folder: string): PartSpec {
  mkdirSync(folder, { recursive: true });
  return nodeServer(host, 'kinesis', './kinesis-server.ts', port, folder);
}

/** The lease table: DynamoDB's API on dynalite, kept in `folder`. */
export function leasesEngine(host: EngineHost, port: number, folder: string): PartSpec {
  mkdirSync(folder, { recursive: true });
  return nodeServer(host, 'leases', './leases-server.ts', port, folder);
}

/** The archive: S3's API on S3Mock, objects kept as files in `folder`; the buckets exist when it is ready. */
export function s3Engine(host: EngineHost, port: number, folder: string, buckets: string[]): PartSpec {
  const root = join(folder, 'objects');
  mkdirSync(root, { recursive: true });
  const beans = join(folder, 'loopback.xml');
  writeFileSync(beans, loopbackBeans);
  return {
    name: 's3',
    command: host.java.bin,
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-jar',
      host.files.s3mockJar,
      `--http.port=${port}`,
      '--server.port=0', // its TLS port, which nobody uses
      '--server.address=127.0.0.1',
      `--spring.main.sources=${pathToFileURL(beans)}`,
      '--spring.main.banner-mode=off',
      '--logging.level.root=WARN', // at INFO it names every object at every start
    ],
    env: {
      ...host.env,
      COM_ADOBE_TESTING_S3MOCK_STORE_INITIAL_BUCKETS: buckets.join(','),
      COM_ADOBE_TESTING_S3MOCK_STORE_ROOT: root,
      COM_ADOBE_TESTING_S3MOCK_STORE_RETAIN_FILES_ON_EXIT: 'true',
    },
    cwd: folder,
    ports: [port],
    ready: async () => {
      const buckets200 = buckets.map((bucket) => answers(`http://127.0.0.1:${port}/${bucket}?location`, 200));
      return (await Promise.all(buckets200)).every(Boolean);
    },
    startMsMax: 60_000,
    stopMsMax: 10_000,
  };
}

/** S3Mock has no setting for the address of its plain HTTP port and would listen on every interface. */
const loopbackBeans = `<?xml version="1.0" encoding="UTF-8"?>
<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd">
  <bean class="org.springframework.beans.factory.config.MethodInvokingBean" lazy-init="false">
    <property name="targetObject" ref="httpConnector"/>
    <property name="targetMethod" value="setProperty"/>
    <property name="arguments"><list><value>address</value><value>127.0.0.1</value></list></property>
  </bean>
</beans>
`;

/** Both stand-ins answer an unsigned GET with 403 or 400, and that only when they serve. */
function nodeServer(host: EngineHost, name: string, file: string, port: number, folder: string): PartSpec {
  return {
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(file, import.meta.url)), String(port), join(folder, 'db')],
    env: { ...host.env, NODE_NO_WARNINGS: '1' },
    cwd: folder,
    ports: [port],
    ready: () => answers(`http://127.0.0.1:${port}/`, 400, 403, 404, 200),
    startMsMax: 30_000,
    stopMsMax: 10_000,
  };
}
