/** Imported first: libraries read NODE_ENV when they are loaded. */
process.env.NODE_ENV = "production";
