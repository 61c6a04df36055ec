/** The secured side of a test broker: an authority of its own, listeners for mutual TLS and SASL, access rules. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { requireProgram } from '../programs.ts';

/** PEM texts. */
export interface ClientCertificate {
  certificate: string;
  key: string;
}

export interface SecuredListeners {
  /** Mutual TLS: the principal is the certificate's common name. */
  tls: string;
  /** SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512) over TLS. */
  sasl: string;
  /** The authority's certificate (PEM). */
  ca: string;
  /** A super user of every mechanism. */
  admin: { username: string; password: string };
  /** An account of every mechanism without any right of its own. */
  account: { username: string; password: string };
  /** A certificate of the broker's authority, or of another one that it does not know. */
  issue(
    commonName: string,
    options?: { foreign?: boolean; not_after_days?: number },
  ): Promise<ClientCertificate>;
}

const admin = { username: 'admin', password: 'admin-secret' };
const account = { username: 'picket', password: 'picket-secret' };

/** Kafka reads one PEM file with the key (PKCS #8) and the chain. */
export async function kafkaSecurity(options: {
  folder: string;
  tlsPort: number;
  saslPort: number;
  controllerPort: number;
}): Promise<{ settings: string[]; formatArguments: string[]; listeners: SecuredListeners }> {
  const { folder, tlsPort, saslPort, controllerPort } = options;
  const own = await makeAuthority(folder, 'ca');
  const foreign = await makeAuthority(folder, 'foreign');
  const broker = await issue({ folder, authority: own, commonName: 'broker' });
  const keyStore = join(folder, 'broker.pem');
  await writeFile(keyStore, broker.key + broker.certificate, { mode: 0o600 });
  const users = [admin, account];
  const plain = users.map(({ username, password }) => `user_${username}="${password}"`).join(' ');
  const scramLogin = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const settings = [
    `listeners=TLS://127.0.0.1:${tlsPort},SASL://127.0.0.1:${saslPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map=TLS:SSL,SASL:SASL_SSL,CONTROLLER:SSL',
    'inter.broker.listener.name=TLS',
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${keyStore}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${own.certificateFile}`,
    'listener.name.tls.ssl.client.auth=required',
    'listener.name.controller.ssl.client.auth=required',
    'ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    `listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${plain};`,
    `listener.name.sasl.scram-sha-256.sasl.jaas.config=${scramLogin}`,
    `listener.name.sasl.scram-sha-512.sasl.jaas.config=${scramLogin}`,
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found=false',
    `super.users=User:broker;User:${admin.username}`,
  ];
  const formatArguments = users.flatMap(({ username, password }) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${username},password=${password}]`,
    ]),
  );
  return {
    settings,
    formatArguments,
    listeners: {
      tls: `127.0.0.1:${tlsPort}`,
      sasl: `127.0.0.1:${saslPort}`,
      ca: await readFile(own.certificateFile, 'utf8'),
      admin,
      account,
      issue: (commonName, { foreign: byForeign = false, not_after_days = 30 } = {}) =>
        issue({ folder, authority: byForeign ? foreign : own, commonName, days: not_after_days }),
    },
  };
}

interface TestAuthority {
  certificateFile: string;
  keyFile: string;
}

async function makeAuthority(folder: string, name: string): Promise<TestAuthority> {
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  await openssl([
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '30',
    '-subj',
    `/CN=picket-test-${name}`,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  return { certificateFile, keyFile };
}

async function issue(options: {
  folder: string;
  authority: TestAuthority;
  commonName: string;
  days?: number;
}): Promise<ClientCertificate> {
  const { folder, authority, commonName } = options;
  const base = join(folder, `${commonName}-${Math.random().toString(36).slice(2)}`);
  const [keyFile, requestFile, certificateFile, extensionFile] = [
    `${base}.key`,
    `${base}.csr`,
    `${base}.crt`,
    `${base}.ext`,
  ];
  await openssl([
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${commonName}`,
    '-keyout',
    keyFile,
    '-out',
    requestFile,
  ]);
  await writeFile(extensionFile, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await openssl([
    'x509',
    '-req',
    '-in',
    requestFile,
    '-CA',
    authority.certificateFile,
    '-CAkey',
    authority.keyFile,
    '-CAcreateserial',
    '-days',
    String(options.days ?? 30),
    '-extfile',
    extensionFile,
    '-out',
    certificateFile,
  ]);
  return { certificate: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}

async function openssl(args: readonly string[]): Promise<void> {
  await execa(requireProgram('openssl'), args, { timeout: 30_000, stdin: 'ignore' });
}
