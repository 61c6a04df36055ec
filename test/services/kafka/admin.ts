/** What tests do to a broker behind Picket's back: make, delete and cut topics, give and take rights. */
import kafkajs from 'kafkajs';
import type { Kafka } from '../kafka.ts';

/** Connected, as a super user of a secured broker. Disconnect it. */
export async function kafkaAdmin(kafka: Kafka): Promise<kafkajs.Admin> {
  const { broker, secured } = kafka;
  const client = new kafkajs.Kafka({
    clientId: 'test-admin',
    brokers: [secured?.sasl ?? broker],
    logLevel: kafkajs.logLevel.NOTHING,
    ...(secured ? { ssl: { ca: secured.ca }, sasl: { mechanism: 'plain', ...secured.admin } } : {}),
  });
  const admin = client.admin();
  await admin.connect();
  return admin;
}
