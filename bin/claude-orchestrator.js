#!/usr/bin/env node
import { requireNode } from './require-node.js';

if (requireNode()) import('../dist/main.js').then((main) => main.claudeOrchestrator());
