/** `kyc-gateway audit`: verifies the audit log. */

import { type Command, InvalidArgumentError } from 'commander';
import type { AuditHead } from '../../domain/audit';
import type { AuditFault } from '../../store/audit/verify';
import { createCommandLogger, loadConfiguration, withStore } from '../configuration';
import { type CliContext, CliError } from '../context';

export function addAudit(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('Verify the audit log.')
    .command('verify')
    .description('Verify the whole hash chain and print its head. The gateway may be running.')
    .option(
      '--expect <seq:hash>',
      'head printed by an earlier run; the chain must contain it',
      parseHead,
    )
    .action(({ expect }: { readonly expect?: AuditHead }) => verify(context, expect ?? null));
}

async function verify(context: CliContext, expected: AuditHead | null): Promise<void> {
  const config = loadConfiguration(context);
  const log = createCommandLogger(context, config);
  await withStore(config, log, { onOtherRules: 'leave' }, async ({ audit }) => {
    const result = await audit.verify(expected);
    if (!result.ok) {
      throw new CliError(`Audit entry ${result.seq} ${FAULT_TEXTS[result.fault]}`);
    }
    context.print(`The audit log is valid. Entries: ${result.entries}`);
    context.print(`Head: ${result.head.seq}:${result.head.hash}`);
  });
}

const FAULT_TEXTS: Record<AuditFault, string> = {
  MISSING: 'is missing; later entries exist (MISSING).',
  PREVIOUS: 'does not continue the hash of the previous entry (PREVIOUS).',
  HASH: 'was modified after it was written (HASH).',
  CUT_OFF: 'is missing at the end of the log, which was truncated (CUT_OFF).',
  UNEXPECTED: 'is valid but has another hash than the expected head (UNEXPECTED).',
};

function parseHead(text: string): AuditHead {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined) {
    throw new InvalidArgumentError(
      'The head must have the format that `audit verify` prints: <seq>:<hash>.',
    );
  }
  return { seq: Number(seq), hash };
}
