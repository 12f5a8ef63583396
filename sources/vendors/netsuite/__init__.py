"""NetSuite: an ERP."""

from sources.canonical import System
from sources.ports import Vendor
from sources.vendors.netsuite.connector import open_connector
from sources.vendors.netsuite.limits import allowance
from sources.vendors.netsuite.settings import NetSuiteSettings

VENDOR = Vendor("netsuite", System.ERP, NetSuiteSettings, open_connector, allowance=allowance)
