// Certificates for brokers on loopback, made anew for each cluster: nothing secret is kept, and nothing can expire.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** A PEM file with a certificate, and one with its key (PKCS #8, not encrypted). */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  /** PEM file of the authority that signed the broker's and the client's certificate. */
  readonly authority: string;
  /** PEM file of an authority that signed neither. */
  readonly stranger: string;
  /** Holds for 127.0.0.1 and localhost. */
  readonly broker: KeyPair;
  /** The broker's key and certificate in one PEM file, which is Kafka's key store. */
  readonly keyStore: string;
  readonly client: KeyPair;
}

export function makeCertificates(folder: string): Certificates {
  const authority = issue(folder, 'authority');
  const stranger = issue(folder, 'stranger');
  const broker = issue(folder, 'broker', authority, 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  const client = issue(folder, 'client', authority, 'extendedKeyUsage=clientAuth');
  const keyStore = path.join(folder, 'broker.keystore.pem');
  fs.writeFileSync(keyStore, [broker.key, broker.certificate].map((file) => fs.readFileSync(file, 'utf8')).join(''));
  return { authority: authority.certificate, stranger: stranger.certificate, broker, keyStore, client };
}

/** An authority's certificate, or, if `signer` is given, one that it signed. */
function issue(folder: string, name: string, signer?: KeyPair, extension?: string): KeyPair {
  const certificate = path.join(folder, `${name}.pem`);
  const key = path.join(folder, `${name}.key`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const signed =
    signer === undefined
      ? []
      : ['-CA', signer.certificate, '-CAkey', signer.key, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const extensions = extension === undefined ? [] : ['-addext', extension];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-keyout', key, '-out', certificate, '-days', '2', '-subj', `/CN=windrow test ${name}`]
      .concat(signed)
      .concat(extensions),
    { stdio: 'pipe' },
  );
  return { certificate, key };
}
