"""Salesforce: a CRM."""

from sources.canonical import System
from sources.ports import Vendor
from sources.vendors.salesforce.connector import open_connector
from sources.vendors.salesforce.limits import allowance, limits
from sources.vendors.salesforce.settings import SalesforceSettings

VENDOR = Vendor("salesforce", System.CRM, SalesforceSettings, open_connector, limits, allowance)
