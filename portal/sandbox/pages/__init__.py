"""What people see of the sandbox: the wallets' pages, and the console of whoever runs it."""
