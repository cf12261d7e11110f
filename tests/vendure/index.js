// The shop of `make vendure`: Vendure on SQLite in a folder of its own, listening on this machine only.
const { bootstrap, DefaultLogger, LogLevel, dummyPaymentHandler } = require('@vendure/core');

bootstrap({
  apiOptions: { port: Number(process.env.PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer'],
    superadminCredentials: { identifier: 'superadmin', password: process.env.SUPERADMIN },
  },
  dbConnectionOptions: { type: 'better-sqlite3', database: process.env.DATABASE, synchronize: true },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [],
  logger: new DefaultLogger({ level: LogLevel.Warn }),
}).then(() => console.log('UP')).catch((error) => { console.error(error); process.exit(1); });
