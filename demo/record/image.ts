/** Builds the vulnerable image of the story in memory: a Debian 11 package list, a log4j JAR, a key left in a layer. */
import { createHash } from 'node:crypto';
import { writeTar } from './tar-archive.ts';
import { writeZip } from './zip-archive.ts';

export interface Image {
  manifest: Buffer;
  config: Buffer;
  layers: readonly Buffer[];
  /** `sha256:…` of the manifest: the digest that Kubernetes, Falco and Trivy know the image by. */
  digest: string;
}

const packages = [
  ['base-files', '11.1+deb11u2', 'base-files'],
  ['bash', '5.1-2+b3', 'bash'],
  ['libc6', '2.31-13+deb11u2', 'glibc'],
  ['libc-bin', '2.31-13+deb11u2', 'glibc'],
  ['libssl1.1', '1.1.1k-1+deb11u1', 'openssl'],
  ['openssl', '1.1.1k-1+deb11u1', 'openssl'],
  ['liblzma5', '5.2.5-2', 'xz-utils'],
  ['xz-utils', '5.2.5-2', 'xz-utils'],
  ['zlib1g', '1:1.2.11.dfsg-2', 'zlib'],
  ['ca-certificates', '20210119', 'ca-certificates'],
  ['tzdata', '2021a-1+deb11u2', 'tzdata'],
] as const;

const osRelease = `PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"
NAME="Debian GNU/Linux"
VERSION_ID="11"
VERSION="11 (bullseye)"
VERSION_CODENAME=bullseye
ID=debian
HOME_URL="https://www.debian.org/"
`;

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** `name` stands in the Source field as dpkg writes it: only where it differs from the package. */
function describePackage([name, version, source]: readonly [string, string, string]): string {
  // dpkg names the source version where it differs from the binary's (bash 5.1-2+b3 was rebuilt from 5.1-2).
  const sourceVersion = version.endsWith('+b3') ? ` (${version.slice(0, -3)})` : '';
  const sourceLine = source === name && sourceVersion === '' ? '' : `Source: ${source}${sourceVersion}\n`;
  return `Package: ${name}
Status: install ok installed
Priority: required
Section: libs
Maintainer: Debian
Architecture: amd64
${sourceLine}Version: ${version}
Description: ${name}

`;
}

function buildBaseLayer(): Buffer {
  return writeTar([
    { path: 'etc/os-release', content: osRelease },
    { path: 'etc/debian_version', content: '11.2\n' },
    { path: 'var/lib/dpkg/status', content: packages.map(describePackage).join('') },
  ]);
}

function buildJar(group: string, artifact: string, version: string): Buffer {
  const properties = `groupId=${group}\nartifactId=${artifact}\nversion=${version}\n`;
  const manifest = `Manifest-Version: 1.0\nImplementation-Title: ${artifact}\nImplementation-Version: ${version}\n`;
  return writeZip([
    { path: 'META-INF/MANIFEST.MF', content: manifest },
    { path: `META-INF/maven/${group}/${artifact}/pom.properties`, content: properties },
  ]);
}

function buildApplicationLayer(): Buffer {
  const group = 'org.apache.logging.log4j';
  // A made-up key of the right shape, put together here so that scanners do not find it in this repository.
  const accessKey = ['AKIA', 'QYLPMN5HFIQR7XYA'].join('');
  const folder = 'opt/hmi-gateway';
  return writeTar([
    { path: `${folder}/lib/log4j-core-2.14.1.jar`, content: buildJar(group, 'log4j-core', '2.14.1') },
    { path: `${folder}/lib/log4j-api-2.14.1.jar`, content: buildJar(group, 'log4j-api', '2.14.1') },
    {
      path: `${folder}/config/backup.env`,
      content: `AWS_ACCESS_KEY_ID=${accessKey}\nAWS_REGION=eu-west-3\n`,
    },
    {
      path: `${folder}/bin/hmi-gateway`,
      content: '#!/bin/sh\nexec java -jar /opt/hmi-gateway/app.jar\n',
      mode: 0o755,
    },
  ]);
}

/** The image, the same bytes at every call. */
export function buildImage(): Image {
  const layers = [buildBaseLayer(), buildApplicationLayer()];
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-11-02T06:12:44Z',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HMI_LISTEN=0.0.0.0:8080'],
        Entrypoint: ['/opt/hmi-gateway/bin/hmi-gateway'],
        ExposedPorts: { '8080/tcp': {}, '22/tcp': {} },
        Labels: {
          'org.opencontainers.image.title': 'hmi-gateway',
          'org.opencontainers.image.version': '1.4.2',
        },
      },
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      history: [
        { created: '2026-11-02T06:12:40Z', created_by: 'ADD file:rootfs.tar in /' },
        { created: '2026-11-02T06:12:44Z', created_by: 'ADD hmi-gateway.tar /opt/hmi-gateway' },
        { created: '2026-11-02T06:12:44Z', created_by: 'EXPOSE 8080/tcp 22/tcp', empty_layer: true },
        {
          created: '2026-11-02T06:12:44Z',
          created_by: 'ENTRYPOINT ["/opt/hmi-gateway/bin/hmi-gateway"]',
          empty_layer: true,
        },
      ],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        size: config.length,
        digest: digestOf(config),
      },
      layers: layers.map((layer) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        size: layer.length,
        digest: digestOf(layer),
      })),
    }),
  );
  return { manifest, config, layers, digest: digestOf(manifest) };
}

/** The blobs of an image by digest: its config and layers. */
export function listBlobs(image: Image): Map<string, Buffer> {
  return new Map([image.config, ...image.layers].map((blob) => [digestOf(blob), blob]));
}
