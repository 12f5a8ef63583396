"""Stripe: a billing system."""

from sources.canonical import System
from sources.ports import Vendor
from sources.vendors.stripe.connector import open_connector
from sources.vendors.stripe.settings import StripeSettings

VENDOR = Vendor("stripe", System.BILLING, StripeSettings, open_connector)
