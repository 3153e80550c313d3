// Events as a Node program makes them: an object for each, avsc, and @faker-js/faker's values or random ones; kafkajs sends them.
//
//     node loop.mjs faker payment.avsc
//
// workload_peers.py starts it, and says how it is told what to do. `random` draws from values that Faker made at its start.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

const installed = createRequire(join(process.env.PEER_PACKAGES, 'package.json'));
const { faker } = installed('@faker-js/faker');
const avro = installed('avsc');

const [values, path] = process.argv.slice(2);
const type = avro.Type.forSchema(JSON.parse(readFileSync(path, 'utf8')));
const header = Buffer.alloc(5);
header.writeInt32BE(Number(process.env.PEER_SCHEMA_ID), 1);

const STATES = ['NEW', 'PAID', 'SENT'];
const TAGS = ['channel', 'campaign'];
const many = (make) => Array.from({ length: 1000 }, make);
const below = (end) => Math.floor(Math.random() * end);
const any = (list) => list[below(list.length)];
const decimal = (cents) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(cents);
  return bytes;
};

const fakes = {
  payment: () => ({
    id: faker.string.uuid(),
    at: Date.now(),
    email: faker.internet.email(),
    country: faker.location.countryCode(),
    rate: faker.number.float(),
    count: faker.number.int({ min: 1, max: 999 }),
    express: faker.datatype.boolean(0.2),
    status: faker.helpers.arrayElement(STATES),
    note: faker.datatype.boolean() ? faker.lorem.sentence() : null,
    amount: decimal(faker.number.int(999_999)),
  }),
  order: () => ({
    id: faker.string.uuid(),
    at: Date.now(),
    customer: faker.internet.email(),
    address: {
      street: faker.location.streetAddress(),
      city: faker.location.city(),
      zip: faker.number.int({ min: 10_000, max: 99_999 }),
    },
    lines: Array.from({ length: faker.number.int({ min: 1, max: 5 }) }, () => ({
      sku: `SKU-${faker.string.numeric(5)}`,
      count: faker.number.int({ min: 1, max: 9 }),
      price: faker.number.float({ min: 1, max: 100 }),
      gift: faker.datatype.boolean(0.1),
    })),
    tags: Object.fromEntries(TAGS.slice(0, faker.number.int(2)).map((key) => [key, faker.lorem.word()])),
    discount: faker.helpers.arrayElement([
      () => null,
      () => faker.number.int({ min: 1, max: 4_999 }),
      () => ({ code: faker.helpers.replaceSymbols('????-####'), amount: faker.number.int({ min: 1, max: 99 }) }),
    ])(),
  }),
};

const drawn = () => {
  const emails = many(() => faker.internet.email());
  const countries = many(() => faker.location.countryCode());
  const notes = many(() => faker.lorem.sentence());
  const streets = many(() => faker.location.streetAddress());
  const cities = many(() => faker.location.city());
  const words = many(() => faker.lorem.word());
  const skus = many(() => `SKU-${faker.string.numeric(5)}`);
  const codes = many(() => faker.helpers.replaceSymbols('????-####'));
  return {
    payment: () => ({
      id: randomUUID(),
      at: Date.now(),
      email: any(emails),
      country: any(countries),
      rate: Math.random(),
      count: 1 + below(999),
      express: Math.random() < 0.2,
      status: any(STATES),
      note: Math.random() < 0.5 ? any(notes) : null,
      amount: decimal(below(1_000_000)),
    }),
    order: () => {
      const kind = below(3);
      return {
        id: randomUUID(),
        at: Date.now(),
        customer: any(emails),
        address: { street: any(streets), city: any(cities), zip: 10_000 + below(90_000) },
        lines: Array.from({ length: 1 + below(5) }, () => ({
          sku: any(skus),
          count: 1 + below(9),
          price: 1 + 99 * Math.random(),
          gift: Math.random() < 0.1,
        })),
        tags: Object.fromEntries(TAGS.slice(0, below(3)).map((key) => [key, any(words)])),
        discount: kind === 0 ? null : kind === 1 ? 1 + below(4_999) : { code: any(codes), amount: 1 + below(99) },
      };
    },
  };
};

const make = (values === 'faker' ? fakes : drawn())[basename(path, '.avsc')];
const encoded = (event) => Buffer.concat([header, type.toBuffer(event)]);

async function answer() {
  for await (const line of createInterface({ input: process.stdin })) {
    let total = 0;
    let value = header;
    for (let left = Number(line); left > 0; left--) {
      value = encoded(make());
      total += value.length;
    }
    console.log(total, value.toString('base64'));
  }
}

async function produce(topic) {
  const { Kafka, logLevel } = installed('kafkajs');
  const producer = new Kafka({ brokers: [process.env.PEER_BOOTSTRAP], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  const batch = () =>
    Array.from({ length: 1000 }, () => {
      const event = make();
      return { key: event.id, value: encoded(event) };
    });
  const writer = async () => {
    for (;;) await producer.send({ topic, acks: -1, messages: batch() });
  };
  await Promise.all([writer(), writer(), writer()]); // one batch is made while others are on their way
}

await (process.env.PEER_TOPIC ? produce(process.env.PEER_TOPIC) : answer());
