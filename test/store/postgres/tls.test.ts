/** TLS connections to PostgreSQL: verification of the server certificate. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDatabaseConfig } from '../../../src/config/load-config';
import { openStore } from '../../../src/store/open-store';
import { createDisposal } from '../../support/disposal';
import { silentLog } from '../../support/logs';
import { createPostgresServer, type PostgresServer } from '../../support/services/own-postgres';
import { describeWith, folderOf } from '../../support/services/programs';
import { storeConfigOf } from '../../support/store-config';
import { createTempDir } from '../../support/temp-dir';

describeWith('openssl')('TLS to the database', () => {
  const disposal = createDisposal('all');
  let folder: string;
  let server: PostgresServer;

  beforeAll(async () => {
    folder = await createTempDir(disposal);
    for (const name of ['authority', 'stranger']) makeAuthority(name);
    makeCertificate('here', 'IP:127.0.0.1');
    server = await startServer('here');
  });

  it('connects to a server whose certificate the authority signed', async () => {
    await expect(open(server, 'sslmode=verify-full', 'authority')).resolves.toBe(1);
  });

  it('rejects a certificate of another authority', async () => {
    for (const mode of ['verify-full', 'verify-ca', 'require']) {
      await expect(open(server, `sslmode=${mode}`, 'stranger')).rejects.toThrow(/sslrootcert/);
    }
  });

  it('rejects a certificate of another host, except with verify-ca', async () => {
    makeCertificate('elsewhere', 'DNS:elsewhere.example');
    const other = await startServer('elsewhere');
    await expect(open(other, 'sslmode=verify-full', 'authority')).rejects.toThrow(
      /certificate names/,
    );
    await expect(open(other, 'sslmode=verify-ca', 'authority')).resolves.toBe(1);
  });

  it('accepts any certificate with sslmode=require', async () => {
    await expect(open(server, 'sslmode=require', null)).resolves.toBe(1);
  });

  it('uses the public authorities if sslrootcert is missing', async () => {
    await expect(open(server, 'sslmode=verify-full', null)).rejects.toThrow(/sslrootcert/);
  });

  it('fails without TLS if the server requires it', async () => {
    await expect(open(server, 'sslmode=disable', null)).rejects.toThrow(/sslmode/);
  });

  async function startServer(certificate: string): Promise<PostgresServer> {
    const tls = { certificate: path(`${certificate}.crt`), key: path(`${certificate}.key`) };
    const started = await createPostgresServer(await createTempDir(disposal), { tls });
    disposal.defer(() => started.end());
    await started.start();
    return started;
  }

  /** Opens a store and runs a query. */
  async function open(to: PostgresServer, mode: string, authority: string | null): Promise<number> {
    const root = authority === null ? '' : `&sslrootcert=${path(`${authority}.crt`)}`;
    const database = loadDatabaseConfig({ DATABASE_URL: `${to.url}?${mode}${root}` });
    const store = await openStore(storeConfigOf(database), silentLog);
    try {
      const { userId } = await store.createUser({
        externalUserId: 'ada',
        auditActor: 'test',
        now: new Date(),
      });
      return userId;
    } finally {
      await store.close();
    }
  }

  function makeAuthority(name: string): void {
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    openssl(...request, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  }

  /** Creates a certificate signed by the authority. @param name - Host name, and name of the files. */
  function makeCertificate(name: string, alternativeName: string): void {
    writeFileSync(path(`${name}.ext`), `subjectAltName=${alternativeName}\n`);
    const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`];
    openssl(...request, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signing = ['x509', '-req', '-days', '2', '-in', `${name}.csr`, '-out', `${name}.crt`];
    const authority = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial'];
    openssl(...signing, ...authority, '-extfile', `${name}.ext`);
  }

  function openssl(...args: readonly string[]): void {
    const command = join(folderOf('openssl') ?? '', 'openssl');
    execFileSync(command, args, { cwd: folder, stdio: 'ignore' });
  }

  function path(file: string): string {
    return join(folder, file);
  }
});
