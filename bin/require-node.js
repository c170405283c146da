/** Says what is needed and sets the exit code if this Node is older than package.json's `engines`. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return true;
  console.error(
    `claude-orchestrator needs Node.js 20.19 or newer, but this is ${process.version}: install a newer one from https://nodejs.org.`,
  );
  process.exitCode = 2;
  return false;
}
