// Kafka's server on this machine: fetched once by Maven into a cache, which every test process shares.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** The newest that Java 17 runs. */
const VERSION = '4.2.0';
const SLF4J_VERSION = '1.7.36';

const CACHE = process.env['WINDROW_TEST_CACHE'] ?? path.join(os.homedir(), '.cache', 'windrow');
const INSTALLED = path.join(CACHE, `kafka-${VERSION}`);

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>windrow</groupId>
  <artifactId>test-broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>${SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

/**
 * Arguments: where it belongs, the pom. Runs under a lock, so that two processes that start at once fetch it once; and
 * aside, so that what is in its place is whole, even if a fetch was killed.
 */
const FETCH = `set -eu
[ ! -d "$1" ] || exit 0
rm -rf "$1.partial"
mkdir "$1.partial"
printf %s "$2" > "$1.partial/pom.xml"
mvn -q -B -f "$1.partial/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \\
  -DincludeScope=runtime -DoutputDirectory="$1.partial/libs" >&2
mv -T "$1.partial" "$1"
`;

export function isKafkaHere(): boolean {
  return fs.existsSync(INSTALLED);
}

export interface Installed {
  readonly classPath: string;
  /** For what else of Kafka is worth keeping. */
  readonly folder: string;
}

/** Fetches Kafka unless it is here. */
export async function installKafka(): Promise<Installed> {
  if (!isKafkaHere()) {
    fs.mkdirSync(CACHE, { recursive: true });
    await promisify(execFile)('flock', [`${INSTALLED}.lock`, 'sh', '-c', FETCH, 'sh', INSTALLED, POM]);
  }
  const libs = path.join(INSTALLED, 'libs');
  const jars = fs.readdirSync(libs).sort();
  return { classPath: jars.map((jar) => path.join(libs, jar)).join(path.delimiter), folder: INSTALLED };
}
