/** The programs that tests against real components use: what each is called, where it may stand and what brings it. */
import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';

export const kubeApiserverVersion = '1.34.2';
export const trivyVersion = '0.74.0';
export const helmVersion = '3.19.5';
export const composeVersion = '2.16.2';
export const pysigmaVersion = '2.0.1-sqlite-2.1.1';
export const kafkaVersion = '4.1.1';
export const elasticsearchVersion = '9.2.4';
/** Of the archive that `elasticsearch/pom.xml` names, as Maven Central serves it. */
export const elasticsearchArchiveSha256 = 'af7b81fe31627c7523b2546351cd4e47310faa6a72c8db8dc8f7a191e871cfaf';

/** Debian packages that `install.ts` brings, by the name of the program they are wanted for. */
export const debianPackages = {
  chromium: 'chromium',
  etcd: 'etcd-server',
  nft: 'nftables',
  ip: 'iproute2',
  rsyslogd: 'rsyslog',
  'rsyslog-elasticsearch': 'rsyslog-elasticsearch',
  pmacctd: 'pmacct',
  tcpreplay: 'tcpreplay',
  openssl: 'openssl',
  pcaps: 'golang-github-gopacket-gopacket-dev',
  'chinese-fonts': 'fonts-noto-cjk',
  python3: 'python3-venv',
  java: 'openjdk-17-jre-headless',
  mvn: 'maven',
} as const;

/** Programs that `install.ts` builds with Go from a pinned go.mod, and their versions. */
export const goPrograms = {
  'kube-apiserver': kubeApiserverVersion,
  trivy: trivyVersion,
  helm: helmVersion,
  /** The loader of the Compose Specification, which the engines use. */
  'compose-check': composeVersion,
} as const;

/** Python packages that `install.ts` puts into environments of their own, pinned in `<name>/requirements.txt`. */
export const pythonPrograms = { pysigma: pysigmaVersion } as const;

/** Java programs that `install.ts` brings with Maven: the dependencies of `<name>/pom.xml`, each in a version that is pinned there. */
export const mavenPrograms = { kafka: kafkaVersion, elasticsearch: elasticsearchVersion } as const;

/** What the machine itself must bring: Elasticsearch needs a Java newer than Debian 12 has. */
export const machinePrograms = {
  jdk: 'a JDK of Java 21 or newer in /usr/lib/jvm/temurin-25-jdk-amd64',
} as const;

export type Program =
  | keyof typeof debianPackages
  | keyof typeof goPrograms
  | keyof typeof pythonPrograms
  | keyof typeof mavenPrograms
  | keyof typeof machinePrograms;

/** Needs that are files instead of programs on the search path. */
const knownFiles: Partial<Record<Program, string>> = {
  'rsyslog-elasticsearch': '/usr/lib/x86_64-linux-gnu/rsyslog/omelasticsearch.so',
  pcaps: '/usr/share/gocode/src/github.com/gopacket/gopacket/pcap/test_dns.pcap',
  'chinese-fonts': '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc',
  jdk: '/usr/lib/jvm/temurin-25-jdk-amd64/bin/java',
  // Debian's own, which python3-venv belongs to, whatever else comes first on the path.
  python3: '/usr/bin/python3',
};

function isReadable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The path at which `install.ts` puts a program that it builds. */
export function builtProgramPath(name: keyof typeof goPrograms, cache: string = cacheFolder()): string {
  return join(cache, `${name}-${goPrograms[name]}`, name);
}

/** The folder of a Python environment that `install.ts` makes. */
export function pythonFolder(name: keyof typeof pythonPrograms, cache: string = cacheFolder()): string {
  return join(cache, `${name}-${pythonPrograms[name]}`);
}

/** The folder of a Java program's jars that `install.ts` makes. */
export function mavenFolder(name: keyof typeof mavenPrograms, cache: string = cacheFolder()): string {
  return join(cache, `${name}-${mavenPrograms[name]}`);
}

/** The absolute path of a program (or of the file that stands for it; of a Python environment, its python; of a Java program, its own jar), or undefined where it is missing. */
export function findProgram(name: Program, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (Object.hasOwn(goPrograms, name)) {
    const path = builtProgramPath(name as keyof typeof goPrograms, cacheFolder(environment));
    return isReadable(path, constants.X_OK) ? path : undefined;
  }
  if (name === 'pysigma') {
    const path = join(pythonFolder(name, cacheFolder(environment)), 'bin', 'python');
    return isReadable(path, constants.X_OK) ? path : undefined;
  }
  if (name === 'kafka') {
    const path = join(mavenFolder(name, cacheFolder(environment)), `kafka_2.13-${kafkaVersion}.jar`);
    return isReadable(path, constants.R_OK) ? path : undefined;
  }
  if (name === 'elasticsearch') {
    const folder = join(mavenFolder(name, cacheFolder(environment)), `elasticsearch-${elasticsearchVersion}`);
    const path = join(folder, 'bin', 'elasticsearch');
    return isReadable(path, constants.R_OK) ? path : undefined;
  }
  const file = knownFiles[name];
  if (file !== undefined) return isReadable(file, constants.R_OK) ? file : undefined;
  const folders = [...(environment['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin'];
  return folders
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find((path) => isReadable(path, constants.X_OK));
}

/** Like {@link findProgram}, but throws one sentence that says how to get what is missing. */
export function requireProgram(name: Program): string {
  const path = findProgram(name);
  if (path === undefined) {
    if (name === 'jdk') throw new Error(`${name} is missing: ${machinePrograms[name]}`);
    throw new Error(`${name} is missing; run: node test/services/install.ts ${name}`);
  }
  return path;
}
