/** The engines of the local stack, and where the Maven client finds them. */
export const engineVersions = {
  opensearch: '3.6.0',
  s3mock: '5.2.0',
  kcl: '2.7.2',
  /** The one that this KCL was generated for, see kclPom. */
  protobuf: '4.31.1',
} as const;

export const opensearchArtifact = `org.opensearch.distribution.integ-test-zip:opensearch:${engineVersions.opensearch}:zip`;
/** The stores that the conformance suite runs on: the oldest and the newest that are supported. */
export const storeVersions = {
  opensearch: ['2.19.4', engineVersions.opensearch],
  elasticsearch: ['8.19.21', '9.2.0'],
} as const;

export const s3mockArtifact = `com.adobe.testing:s3mock:${engineVersions.s3mock}:jar:exec`;

/**
 * A pom that Maven accepts, made of the one in npm's aws-kcl. That one names the daemon and everything it needs,
 * each with its version, but is no Maven project: it has no name. The versions so follow the package-lock, all but
 * protobuf's: with the older one named there, the first record of a KPL aggregate ends the daemon, again and again.
 */
export function kclPom(awsKclPom: string): string {
  const name = '<groupId>millrace</groupId><artifactId>kcl-jars</artifactId><version>1</version>';
  return awsKclPom
    .replace('</modelVersion>', `</modelVersion>${name}<packaging>pom</packaging>`)
    .replace(
      /(<artifactId>protobuf-java<\/artifactId>\s*<version>)[^<]*/,
      (_, before) => `${before}${engineVersions.protobuf}`,
    );
}
