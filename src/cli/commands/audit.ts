/** `kyc-gateway audit`: proves the audit log. */

import { type Command, InvalidArgumentError } from 'commander';
import type { AuditHead } from '../../domain/audit';
import type { AuditFault } from '../../store/audit/verify';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';

export function addAudit(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('prove the audit log')
    .command('verify')
    .description('walk the whole chain, also while the gateway runs, and show its head')
    .option(
      '--expect <seq:hash>',
      'a head that was shown before: the chain has to go through it',
      parseHead,
    )
    .action(({ expect }: { readonly expect?: AuditHead }) => verify(context, expect ?? null));
}

async function verify(context: CliContext, expected: AuditHead | null): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'leave' }, async ({ audit }) => {
    const proof = await audit.verify(expected);
    if (!proof.ok) throw new CliError(`Entry ${proof.seq} of the audit log: ${WORDS[proof.fault]}`);
    context.print(`sound: ${proof.entries} entries`);
    context.print(`head: ${proof.head.seq}:${proof.head.hash}`);
  });
}

const WORDS: Record<AuditFault, string> = {
  MISSING: 'MISSING, there are others behind it.',
  PREVIOUS: 'PREVIOUS, it does not follow upon the entry before it.',
  HASH: 'HASH, its content is not what was written.',
  CUT_OFF: 'CUT_OFF, the log ends before it, and was longer once.',
  UNEXPECTED: 'UNEXPECTED, it is sound, but another one was expected.',
};

function parseHead(text: string): AuditHead {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined) {
    throw new InvalidArgumentError('Expected a head as `audit verify` shows it.');
  }
  return { seq: Number(seq), hash };
}
